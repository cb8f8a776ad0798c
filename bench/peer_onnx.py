# SPDX-License-Identifier: MIT
"""peer_onnx.py onnxruntime|openvino|openvino-bf16 NET.onnx IN.ppm OUT.ppm|OUT.raw THREADS [TILE CONTEXT]

What a plain program on ONNX Runtime or OpenVINO does: the same as bench/peer.c, with the same arguments and report."""
import json
import sys
import time
from pathlib import Path

import numpy


def read_ppm(path):
    words, data, at = [], Path(path).read_bytes(), 0
    while len(words) < 4:
        end = data.index(b"\n", at)
        words += data[at:end].split(b"#")[0].split()
        at = end + 1
    width, height = int(words[1]), int(words[2])
    return numpy.frombuffer(data, numpy.uint8, width * height * 3, at).reshape(height, width, 3)


def load_onnxruntime(model, threads, _):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda planes: session.run(None, {"input": planes})[0]


def load_openvino(model, threads, shape, precision="f32"):
    import openvino
    core = openvino.Core()
    net = core.read_model(model)
    if shape:
        net.reshape(list(shape))
    compiled = core.compile_model(net, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                                               "INFERENCE_PRECISION_HINT": precision})
    return lambda planes: compiled(planes)[0]


def load_openvino_bf16(model, threads, shape):
    return load_openvino(model, threads, shape, "bf16")


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino, "openvino-bf16": load_openvino_bf16}


def upscale(compute, source, side, context, rounded):
    """The first tile says by how much the net enlarges."""
    height, width, _ = source.shape
    result = None
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            y, x = max(top - context, 0), max(left - context, 0)
            part = source[y:bottom + context, x:right + context]
            planes = numpy.ascontiguousarray(part.transpose(2, 0, 1)[None], numpy.float32) * numpy.float32(1 / 255)
            done = compute(planes)[0].transpose(1, 2, 0)
            scale = done.shape[0] // part.shape[0]
            if result is None:
                result = numpy.empty((height * scale, width * scale, 3), numpy.uint8 if rounded else numpy.float32)
            core = done[(top - y) * scale:(bottom - y) * scale, (left - x) * scale:(right - x) * scale]
            if rounded:
                core = (core * 255 + 0.5).clip(0, 255)
            result[top * scale:bottom * scale, left * scale:right * scale] = core
    return result


def main():
    runtime, model, source, target, threads = sys.argv[1:6]
    tile = [int(word) for word in sys.argv[6:8]]
    picture = read_ppm(source)
    shape = None if tile else (1, 3, *picture.shape[:2])
    compute = LOADERS[runtime](model, int(threads), shape)
    start = time.monotonic()
    result = upscale(compute, picture, *(tile or (max(picture.shape), 0)), target.endswith(".ppm"))
    seconds = time.monotonic() - start
    with open(target, "wb") as out:
        if target.endswith(".ppm"):
            out.write(b"P6\n%d %d\n255\n" % (result.shape[1], result.shape[0]))
        out.write(result.data)
    print(json.dumps({"seconds": round(seconds, 6)}))


main()

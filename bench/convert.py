# SPDX-License-Identifier: MIT
"""An ncnn net (.param and .bin) as an ONNX model, for the layers of plain upscalers; anything else is refused.
convert.py NET.param NET.onnx

The weights are those of the file: float32, or float16 made float32."""
import struct
import sys
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

HALF = 0x01306B47  # in front of weights that are float16; 0: float32


class Weights:
    """The .bin: weights in the order of the layers. Only those of convolutions bear a word that says their type."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def floats(self, count, tagged=False):
        tag = 0
        if tagged:
            tag, = struct.unpack_from("<I", self.data, self.at)
            self.at += 4
        if tag not in (0, HALF):
            raise ValueError(f"weights of an unknown type 0x{tag:08x}")
        kind = numpy.dtype("<f2" if tag else "<f4")
        found = numpy.frombuffer(self.data, kind, count, self.at).astype(numpy.float32)
        self.at += (count * kind.itemsize + 3) // 4 * 4
        return found


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.alias = weights, [], [], {}

    def constant(self, values, name):
        self.constants.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))


def convolution(graph, name, inputs, output, p):
    count, kernel = p[0], p[1]
    if p.get(2, 1) != 1 or p.get(3, 1) != 1 or p.get(9, 0) not in (0, 2):
        raise ValueError(f"{name}: dilation, stride or activation")
    weight = graph.weights.floats(p[6], tagged=True).reshape(count, -1, kernel, kernel)
    names = [inputs[0], graph.constant(weight, name + ".weight")]
    if p.get(5, 0):
        names.append(graph.constant(graph.weights.floats(count), name + ".bias"))
    linear = output if not p.get(9, 0) else name + ".linear"
    graph.add("Conv", names, linear, kernel_shape=[kernel, kernel], pads=[p.get(4, 0)] * 4)
    if linear != output:
        graph.add("LeakyRelu", [linear], output, alpha=p[-23310][0])


def prelu(graph, name, inputs, output, p):
    slope = graph.weights.floats(p[0])
    graph.add("PRelu", [inputs[0], graph.constant(slope.reshape(-1, 1, 1), name + ".slope")], output)


def shuffle(graph, name, inputs, output, p):
    graph.add("DepthToSpace", inputs, output, blocksize=p[0], mode="CRD")


def interp(graph, name, inputs, output, p):
    if p[0] != 1 or p[1] != p[2]:
        raise ValueError(f"{name}: only nearest, the same to both sides")
    factors = graph.constant(numpy.array([1, 1, p[1], p[2]], numpy.float32), name + ".factors")
    graph.add("Resize", [inputs[0], "", factors], output, mode="nearest", nearest_mode="floor",
              coordinate_transformation_mode="asymmetric")


def add(graph, name, inputs, output, p):
    if p.get(0, 0) != 0 or p.get(1, 0):
        raise ValueError(f"{name}: only sums of two blobs")
    graph.add("Add", inputs, output)


def concat(graph, name, inputs, output, p):
    if p.get(0, 0) != 0:
        raise ValueError(f"{name}: only channels are put together")
    graph.add("Concat", inputs, output, axis=1)


def eltwise(graph, name, inputs, output, p):
    """A sum, each blob by its factor."""
    if p.get(0, 0) != 1:
        raise ValueError(f"{name}: only sums")
    for n, factor in enumerate(p.get(-23301, ())):
        if factor != 1:
            scaled = graph.constant(numpy.array(factor, numpy.float32), f"{name}.factor{n}")
            graph.add("Mul", [inputs[n], scaled], f"{name}.scaled{n}")
            inputs[n] = f"{name}.scaled{n}"
    graph.add("Sum", inputs, output)


LAYERS = {"Convolution": convolution, "PReLU": prelu, "PixelShuffle": shuffle, "Interp": interp, "BinaryOp": add,
          "Concat": concat, "Eltwise": eltwise}


def parameters(words):
    found = {}
    for word in words:
        key, value = word.split("=")
        numbers = [float(v) if "." in v or "e" in v else int(v) for v in value.split(",")]
        found[int(key)] = numbers[1:] if int(key) < -1 else numbers[0]
    return found


def to_onnx(param):
    lines = param.read_text(encoding="ascii").splitlines()
    if lines[0].strip() != "7767517":
        raise ValueError(f"{param.name}: not a net of ncnn")
    graph = Graph(Weights(param.with_suffix(".bin").read_bytes()))
    output = None
    for line in filter(None, map(str.split, lines[2:])):
        kind, name, taken, given = line[0], line[1], int(line[2]), int(line[3])
        inputs = [graph.alias.get(word, word) for word in line[4:4 + taken]]
        outputs = line[4 + taken:4 + taken + given]
        if kind == "Input":
            graph.alias[outputs[0]] = "input"
        elif kind == "Split":
            graph.alias.update((word, inputs[0]) for word in outputs)
        elif kind in LAYERS:
            output = outputs[0]
            LAYERS[kind](graph, name, inputs, output, parameters(line[4 + taken + given:]))
        else:
            raise ValueError(f"{param.name}: layer {kind} is not known here")
    if graph.weights.at != len(graph.weights.data):
        raise ValueError(f"{param.name}: weights are left over")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, f"{name}_height", f"{name}_width"])
            for name in ("input", output)]
    made = helper.make_graph(graph.nodes, param.stem, ends[:1], ends[1:], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(to_onnx(Path(sys.argv[1])), sys.argv[2])

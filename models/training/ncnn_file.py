# SPDX-License-Identifier: MIT
"""Plain nets as ncnn files: a text graph, and weights of which the first kernel and all biases are float32, other kernels fp16."""
import struct
import numpy as np

FP16_TAG = 0x01306B47
SLOPE = 0.1  # of the leaky ReLU below zero


def line_of(kind, name, inputs, outputs, parameters=''):
    return f'{kind:16} {name:10} {len(inputs)} {len(outputs)} {" ".join(inputs + outputs)} {parameters}'.rstrip()


class Graph:
    """Layers in the order in which they are added, each reading the blob of the one before unless told otherwise."""

    def __init__(self):
        self.lines, self.parts, self.blob, self.kernels = [], [], None, 0

    def layer(self, kind, name, inputs, outputs, parameters=''):
        self.lines.append(line_of(kind, name, inputs, outputs, parameters))
        self.blob = outputs[0]

    def weights(self, kernel, bias):
        first = self.kernels == 0
        weights = kernel.contiguous().numpy().astype('<f4' if first else '<f2').tobytes()
        self.parts += [struct.pack('<I', 0 if first else FP16_TAG), weights + b'\0' * (-len(weights) % 4),
                       bias.numpy().astype('<f4').tobytes()]
        self.kernels += 1

    def depthwise(self, kernel):
        """A 3x3 convolution of each channel for itself, which pads itself."""
        name, maps = f'conv{self.kernels}', len(kernel)
        self.layer('ConvolutionDepthWise', name, [self.blob], [name], f'0={maps} 1=3 4=1 5=1 6={kernel.numel()} 7={maps}')
        self.weights(kernel, kernel.new_zeros(maps))

    def convolution(self, kernel, bias, leaky, stride=1):
        """A 3x3 convolution that pads itself, with the leaky ReLU as its activation."""
        name = f'conv{self.kernels}'
        step = f' 3={stride}' if stride > 1 else ''
        activation = f' 9=2 -23310=1,{SLOPE:e}' if leaky else ''
        self.layer('Convolution', name, [self.blob], [name], f'0={len(bias)} 1=3{step} 4=1 5=1 6={kernel.numel()}{activation}')
        self.weights(kernel, bias)

    def enlarged_sum(self, scale, shuffle):
        """The answer's channels become pixels and are added to the bicubic enlargement of data_skip: the result."""
        self.layer('PixelShuffle', 'shuffle', [self.blob], ['detail'], f'0={shuffle}')
        skip = 'data_skip'
        if scale > 1:
            self.layer('Interp', 'bicubic', ['data_skip'], ['skip'], f'0=3 1={scale}.0 2={scale}.0')
            skip = 'skip'
        self.layer('BinaryOp', 'add', [skip, 'detail'], ['output'], '0=0')

    def fork(self):
        """Gives every blob with several readers a Split, as ncnn wants it."""
        readers, names, lines = {}, {}, []
        for kind, name, inputs, *rest in map(str.split, self.lines):
            for blob in rest[1:1 + int(inputs)]:
                readers[blob] = readers.get(blob, 0) + 1
        for kind, name, inputs, outputs, *rest in map(str.split, self.lines):
            inputs, outputs = int(inputs), int(outputs)
            read = [names[blob].pop(0) if blob in names else blob for blob in rest[:inputs]]
            made = rest[inputs:inputs + outputs]
            lines.append(line_of(kind, name, read, made, ' '.join(rest[inputs + outputs:])))
            for blob in made:
                if readers.get(blob, 0) > 1:
                    names[blob] = [f'{blob}_{i}' for i in range(readers[blob])]
                    lines.append(line_of('Split', f'split_{blob}', [blob], list(names[blob])))
        self.lines = lines

    def save(self, path):
        """Writes path.param and path.bin."""
        blobs = sum(int(line.split()[3]) for line in self.lines)
        with open(path + '.param', 'w') as f:
            f.write(f'7767517\n{len(self.lines)} {blobs}\n' + '\n'.join(self.lines) + '\n')
        with open(path + '.bin', 'wb') as f:
            f.write(b''.join(self.parts))


def begun():
    """A graph whose input is split: what the net reads, and what its answer is added to."""
    graph = Graph()
    graph.layer('Input', 'data', [], ['data'])
    graph.layer('Split', 'branch', ['data'], ['data_net', 'data_skip'])
    return graph


def read(path, shapes):
    """Kernels and biases of path.bin, as arrays of float32; `shapes` are (outputs, inputs) of its convolutions."""
    with open(path + '.bin', 'rb') as f:
        data = f.read()
    at, layers = 0, []
    for outputs, inputs in shapes:
        kind = '<f2' if struct.unpack_from('<I', data, at)[0] == FP16_TAG else '<f4'
        kernel = np.frombuffer(data, kind, outputs * inputs * 9, at + 4).astype(np.float32).reshape(outputs, inputs, 3, 3)
        at += 4 + (kernel.size * int(kind[-1]) + 3) // 4 * 4
        layers.append((kernel, np.frombuffer(data, '<f4', outputs, at).copy()))
        at += 4 * outputs
    return layers

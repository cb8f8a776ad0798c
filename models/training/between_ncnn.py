# SPDX-License-Identifier: MIT
"""The net of between.py as an ncnn graph, and a small interpreter that computes such a graph from its files with torch.

Usage: between_ncnn.py PATH prints the multiplications per pixel of PATH.param.
"""
import re
import struct
import sys
import numpy as np
import torch
import torch.nn.functional as F
import between
import ncnn_file


class Writer:
    """Graph with names given by itself; every call returns the name of the blob that it makes."""

    def __init__(self):
        self.graph, self.made = ncnn_file.Graph(), {}

    def layer(self, kind, stem, inputs, parameters='', blob=None):
        self.made[stem] = self.made.get(stem, -1) + 1
        name = f'{stem}{self.made[stem]}'
        self.graph.layer(kind, name, inputs, [blob or name], parameters)
        return blob or name

    def input(self, name):
        self.graph.layer('Input', name, [], [name])
        return name

    def scaled(self, stem, x, scale):
        return self.layer('Interp', stem, [x], f'0=2 1={scale:e} 2={scale:e}')

    def channels(self, x, begin, end):
        return self.layer('Crop', 'cut', [x], f'-23309=1,{begin} -23310=1,{end} -23311=1,0')

    def add(self, x, y):
        return self.layer('BinaryOp', 'add', [x, y], '0=0')

    def leaky(self, x):
        return self.layer('ReLU', 'leaky', [x], f'0={ncnn_file.SLOPE:e}')

    def times(self, x, number):
        return x if number == 1 else self.layer('BinaryOp', 'times', [x], f'0=2 1=1 2={number:e}')

    def warp(self, image, state, begin, scale):
        """The image warped by two channels of the state, whose unit is a pixel of the full size."""
        return self.layer('rife.Warp', 'warp', [image, self.times(self.channels(state, begin, begin + 2), scale)])

    def sharp(self, image, flow):
        """between.sharp."""
        def warped(*flow):
            return self.layer('rife.Warp', 'warp', [image, self.concat(*flow) if len(flow) > 1 else flow[0]])

        def moved(x, by):
            return self.layer('BinaryOp', 'move', [x], f'0=0 1=1 2={by:e}')
        x, y = self.channels(flow, 0, 1), self.channels(flow, 1, 2)
        part = self.minus(flow, self.layer('UnaryOp', 'floor', [flow], '0=2'))
        bend = self.times(self.minus(self.product(part, part), part), between.BEND)
        result = middle = warped(flow)
        for axis in (0, 1):
            sides = [warped(*((moved(x, by), y) if axis == 0 else (x, moved(y, by)))) for by in (1, -1)]
            around = self.minus(self.add(*sides), self.times(middle, 2))
            result = self.add(result, self.product(around, self.channels(bend, axis, axis + 1)))
        return result

    def minus(self, x, y):
        return self.layer('BinaryOp', 'minus', [x, y], '0=1')

    def product(self, x, y):
        return self.layer('BinaryOp', 'product', [x, y], '0=2')

    def concat(self, *blobs):
        return self.layer('Concat', 'cat', list(blobs))

    def convolution(self, x, layer, leaky=True, kernel=None, bias=None):
        self.graph.blob = x
        self.graph.convolution(layer.weight.data if kernel is None else kernel, layer.bias.data if bias is None else bias, leaky,
                               layer.stride[0])
        return self.graph.blob


# between.motion_left() as convolutions:
SLOPE_X = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
ROUND = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16


def slopes():
    """Kernel (9 x 6 x 3 x 3): of the colours of both frames, their mean's slope along x and along y, and their difference."""
    kernel = torch.zeros(9, 6, 3, 3)
    for colour in range(3):
        for frame_at, sign in ((colour, -1), (colour + 3, 1)):
            kernel[colour, frame_at], kernel[3 + colour, frame_at] = SLOPE_X / 2, SLOPE_X.T / 2
            kernel[6 + colour, frame_at] = sign * ROUND
    return kernel * between.GAIN


def sums():
    """Kernel (8 x 15 x 3 x 3) and bias: sums around a pixel of the products xx, yy, xy, xd, yd of three colours each, in the order
    yy, xx, xd, yd, yd, xd, xy. The last channel again, which nothing reads: of seven, ncnn sums the last one in another order where a
    tile ends, and the division makes much of that."""
    kernel = torch.zeros(8, 15, 3, 3)
    for i, product in enumerate((1, 0, 3, 4, 4, 3, 2, 2)):
        kernel[i, 3 * product:3 * product + 3] = ROUND
    return kernel, torch.tensor([between.FLAT, between.FLAT, 0, 0, 0, 0, 0, 0])


def solved(write, s):
    def pick(begin, end):
        return write.channels(s, begin, end)

    crossed = write.product(pick(4, 6), pick(6, 7))
    above = write.minus(crossed, write.product(pick(0, 2), pick(2, 4)))
    below = write.minus(write.product(pick(0, 1), pick(1, 2)), write.product(pick(6, 7), pick(6, 7)))
    motion = write.layer('BinaryOp', 'ratio', [above, below], '0=3')
    return write.layer('Clip', 'clip', [motion], f'0={-between.MOST:e} 1={between.MOST:e}')


def motion_left(write, a, b, time):
    """between.motion_left; time: its map, at the size of the result."""
    graph = write.graph
    graph.blob = write.concat(a, b)
    graph.convolution(slopes(), torch.zeros(9), False, 2)
    found = graph.blob
    x, y, d = [write.channels(found, i, i + 3) for i in (0, 3, 6)]
    products = [write.product(p, q) for p, q in ((x, x), (y, y), (x, y), (x, d), (y, d))]
    graph.blob = write.concat(*products)
    graph.convolution(*sums(), False)
    near = graph.blob
    for _ in range(2):
        graph.depthwise(ROUND.expand(8, 1, 3, 3))
    wide = graph.blob
    motion = write.concat(solved(write, near), solved(write, wide))
    before = write.product(motion, time)
    return write.concat(before, write.minus(motion, before))


def block(write, net, i, inputs, left):
    """Level i: the change of flow, mask and hidden channels, at the level's size. The flow of the graph is counted in pixels of the
    full size at every level, that of the net in pixels of the level: the kernels change units."""
    layers, unit = net.block(i), between.LEVELS[i]
    kernel = layers.begin.weight.data.clone()
    kernel[:, 7:11] *= between.SMALL / unit
    if i == 0:                             # nothing is known yet, and the frames are not warped
        kernel = torch.cat((kernel[:, :6] + kernel[:, -6:], kernel[:, 6:7]), 1)
    x = write.convolution(inputs, layers.begin, kernel=kernel)
    x = write.convolution(write.concat(x, left), layers.widen)
    for j in range(0, len(layers.trunk), 2):
        y = write.convolution(write.convolution(x, layers.trunk[j]), layers.trunk[j + 1], leaky=False)
        x = write.leaky(write.add(x, y))
    units = torch.ones(5 + between.HIDDEN)
    units[:4] = unit
    units = units.repeat_interleave(4)     # channel c of the shuffled blob is made of the channels 4c to 4c + 3
    x = write.concat(x, left)
    x = write.convolution(x, layers.end, False, layers.end.weight.data * units.view(-1, 1, 1, 1), layers.end.bias.data * units)
    return write.layer('PixelShuffle', 'shuffle', [x], '0=2', blob=f'flow{i}')


def written(net):
    write, hidden_end = Writer(), 5 + between.HIDDEN
    first, second, time = (write.input(f'in{i}') for i in range(3))
    small = {1: (first, second)}
    for s in sorted(set(between.LEVELS)):
        small[s] = tuple(write.scaled('half', x, 0.5) for x in small[s // 2])
    times = {s: write.scaled('time', time, 1 / s) for s in (*small, between.ALIGNMENT) if s > 1}
    for i, s in enumerate(between.LEVELS):
        plain = a, b = small[s]
        if i > 0:
            if between.LEVELS[i - 1] > s:
                known = write.scaled('twice', known, 2)
            state = write.channels(known, 0, 5)
            a, b = write.warp(a, state, 0, 1 / s), write.warp(b, state, 2, 1 / s)
        left = motion_left(write, a, b, times[2 * s])
        change = block(write, net, i, write.concat(a, b, times[s], *((known, *plain) if i > 0 else ())), left)
        # flow, mask, hidden channels: the last are handed on to the block at full size, too
        known = change if i == 0 else write.concat(write.add(state, write.channels(change, 0, 5)), write.channels(change, 5, hidden_end))
    hidden, state = write.channels(known, 5, hidden_end), write.channels(write.scaled('twice', known, 2), 0, 5)
    a, b = write.warp(first, state, 0, 1), write.warp(second, state, 2, 1)
    left = motion_left(write, a, b, times[2])
    kernel = net.fine.begin.weight.data.clone()
    kernel[:, 6:10] *= between.SMALL
    x = write.convolution(write.concat(a, b, state, first, second), net.fine.begin, kernel=kernel)
    y = write.convolution(write.concat(x, hidden, left), net.fine.trunk[0])
    x = write.leaky(write.add(x, write.convolution(y, net.fine.trunk[1], leaky=False)))
    x = write.layer('PixelShuffle', 'shuffle', [write.convolution(write.concat(x, left), net.fine.end, leaky=False)], '0=2', blob='detail')
    state = write.add(state, write.channels(x, 0, 5))
    motion = write.minus(write.channels(state, 2, 4), write.channels(state, 0, 2))
    before = write.product(motion, time)
    a, b = write.sharp(first, write.times(before, -1)), write.sharp(second, write.minus(motion, before))
    mask = write.layer('Sigmoid', 'mask', [write.channels(state, 4, 5)])
    mixed = write.product(write.minus(a, b), mask)
    write.layer('BinaryOp', 'out', [write.add(b, mixed), write.channels(x, 5, 8)], '0=0', blob='out0')
    write.graph.fork()
    return write.graph


def export(net, path):
    """Writes path.param and path.bin, and says how far the files' result is from the net's on noise."""
    with torch.no_grad():
        written(net).save(path)
        noise = torch.Generator().manual_seed(1)
        first, second = (F.interpolate(torch.rand(1, 3, 32, 48, generator=noise), scale_factor=8, mode='bicubic').clamp(0, 1)
                         for _ in range(2))
        ours = net(first, second, torch.full((1, 1, 1, 1), 0.4))[0]
        print(f'{path}: differs from the net by {(Runner(path)(first, second, 0.4) - ours).abs().max().item() * 255:.3f}/255 at most')


class Runner:
    """Computes a graph of the layers that written() uses from its files: (first, second, t) -> frame, as between.Between does."""

    def __init__(self, path):
        self.layers, self.weights = [], {}
        with open(path + '.param') as f:
            lines = f.read().split('\n')[2:]
        with open(path + '.bin', 'rb') as f:
            data = f.read()
        at = 0
        for line in filter(None, lines):
            kind, name, inputs, outputs, *rest = line.split()
            inputs, outputs = int(inputs), int(outputs)
            numbers = dict(pair.split('=') for pair in rest[inputs + outputs:])
            self.layers.append((kind, name, rest[:inputs], rest[inputs:inputs + outputs], numbers))
            if kind.startswith('Convolution'):
                maps, count = int(numbers['0']), int(numbers['6'])
                number = '<f2' if struct.unpack_from('<I', data, at)[0] == ncnn_file.FP16_TAG else '<f4'
                kernel = np.frombuffer(data, number, count, at + 4).astype(np.float32).reshape(maps, -1, 3, 3)
                at += 4 + (count * int(number[-1]) + 3) // 4 * 4
                self.weights[name] = torch.from_numpy(kernel), torch.from_numpy(np.frombuffer(data, '<f4', maps, at).copy())
                at += 4 * maps
        if at != len(data):
            raise ValueError(f'{path}.bin: {len(data)} bytes, {at} read')

    def compute(self, kind, name, x, numbers):
        def number(key, default=0.0):
            return float(re.sub('.*,', '', numbers.get(key, str(default))))
        if kind.startswith('Convolution'):
            made = F.conv2d(x[0], *self.weights[name], stride=int(number('3', 1)), padding=1, groups=int(number('7', 1)))
            return F.leaky_relu(made, number('-23310')) if '9' in numbers else made
        if kind == 'Interp':
            return F.interpolate(x[0], scale_factor=number('1'), mode='bilinear', align_corners=False)
        if kind == 'BinaryOp':
            other = number('2') if number('1') else x[1]
            return {0: torch.add, 1: torch.sub, 2: torch.mul, 3: torch.div}[int(number('0'))](x[0], other)
        return {'Concat': lambda: torch.cat(x, 1), 'Sigmoid': lambda: torch.sigmoid(x[0]), 'UnaryOp': lambda: x[0].floor(),
                'Clip': lambda: x[0].clamp(number('0'), number('1')),
                'Crop': lambda: x[0][:, int(number('-23309')):int(number('-23310'))],
                'ReLU': lambda: F.leaky_relu(x[0], number('0')), 'PixelShuffle': lambda: F.pixel_shuffle(x[0], int(number('0'))),
                'rife.Warp': lambda: between.warp(*x)}[kind]()

    def multiplications(self, side=256):
        """Of all convolutions, per pixel of the frame."""
        self.counted = 0
        self(torch.zeros(1, 3, side, side), torch.zeros(1, 3, side, side), 0.5)
        return self.counted / side ** 2

    @torch.no_grad()
    def __call__(self, first, second, t):
        blobs, given = {}, {'in0': first, 'in1': second, 'in2': torch.full_like(first[:, :1], float(t))}
        for kind, name, inputs, outputs, numbers in self.layers:
            x = [blobs.pop(blob) for blob in inputs]
            for blob in outputs:
                blobs[blob] = given[name] if kind == 'Input' else x[0] if kind == 'Split' else self.compute(kind, name, x, numbers)
            if kind.startswith('Convolution'):
                self.counted = getattr(self, 'counted', 0) + blobs[name].shape[2] * blobs[name].shape[3] * int(numbers['6'])
        return blobs['out0']


if __name__ == '__main__':
    print(f'{Runner(sys.argv[1]).multiplications():.0f} multiplications per pixel')

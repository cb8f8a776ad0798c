# SPDX-License-Identifier: MIT
"""The photo nets (photo-2x, photo-3x, photo-4x): what is trained, what it folds into, and how that is written as an ncnn graph.

Inference sees plain 3x3 convolutions of stride 1 that pad themselves, each but the last with a leaky ReLU of fixed slope
(a part of the convolution layer in ncnn), a pixel shuffle, and a bicubic enlargement of the input, to which the result
is added.

Flat areas are left alone by construction, whatever their colour: the kernels of the first convolution sum to zero, so
that it sees differences only, and the bias of the last one takes back what the net answers to no difference at all.

Training sees each convolution's kernel as a sum of branches (3x3, 1x1, and a 1x1 that widens before a 3x3). All branches
are linear, so the sum is taken over the kernels, not over pictures: it costs next to nothing and the folded net is the
same function exactly.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import ncnn_file
from ncnn_file import SLOPE

CHANNELS = 32
DEPTH = 3          # hidden convolutions of CHANNELS to CHANNELS
WIDEN = 2          # how much the widening branch widens


class FoldedConv(nn.Module):
    """A 3x3 convolution whose kernel is a sum of linear branches."""

    def __init__(self, inputs, outputs, zero=False, differences=False, gain=1.0):
        super().__init__()
        self.differences, self.gain = differences, gain  # gain: what the kernel is scaled by, so that Adam's steps fit
        middle = WIDEN * max(inputs, 16)
        self.kernel = nn.Parameter(torch.randn(outputs, inputs, 3, 3) * (1.0 / (inputs * 9)) ** 0.5)
        self.point = nn.Parameter(torch.zeros(outputs, inputs))
        self.widen = nn.Parameter(torch.randn(middle, inputs) * (1.0 / inputs) ** 0.5)
        self.narrow = nn.Parameter(torch.randn(outputs, middle, 3, 3) * (0.5 / (middle * 9)) ** 0.5)
        self.bias = None if zero else nn.Parameter(torch.zeros(outputs))
        if zero:
            with torch.no_grad():
                self.kernel.zero_()
                self.narrow.zero_()

    def begin_as(self, kernel, bias):
        """Takes over a kernel, or one of fewer channels: outputs that it lacks stay as they are, inputs that it lacks count for nothing."""
        outputs, inputs = kernel.shape[:2]
        self.kernel[:outputs] = 0
        self.kernel[:outputs, :inputs] = kernel / self.gain
        self.narrow[:outputs] = 0
        self.point[:outputs] = 0
        if self.bias is not None:
            self.bias[:outputs] = bias

    def folded(self):
        wide = torch.matmul(self.narrow.permute(0, 2, 3, 1), self.widen).permute(0, 3, 1, 2)
        kernel = self.gain * (self.kernel + wide + F.pad(self.point[:, :, None, None], (1, 1, 1, 1)))
        return kernel - kernel.mean((2, 3), keepdim=True) if self.differences else kernel


class Photo(nn.Module):
    def __init__(self, scale, channels=CHANNELS, depth=DEPTH):
        super().__init__()
        self.scale = scale
        convs = [FoldedConv(3, channels, differences=True, gain=6.0)]
        convs += [FoldedConv(channels, channels) for _ in range(depth)]
        convs += [FoldedConv(channels, 3 * scale * scale, zero=True, gain=0.25)]
        self.convs = nn.ModuleList(convs)

    def folded(self, half=False):
        """Kernels and biases of the plain net; with half=True as the exported file holds them, in which all kernels but
        the first (its sums must stay zero) are rounded to fp16."""
        kernels = [conv.folded() for conv in self.convs]
        if half:
            kernels[1:] = [kernel.to(torch.float16).to(torch.float32) for kernel in kernels[1:]]
        biases = [conv.bias for conv in self.convs[:-1]]
        flat = F.leaky_relu(biases[0], SLOPE)
        for kernel, bias in zip(kernels[1:-1], biases[1:]):
            flat = F.leaky_relu(kernel.sum((2, 3)) @ flat + bias, SLOPE)
        return list(zip(kernels, biases + [-(kernels[-1].sum((2, 3)) @ flat)]))

    def residual(self, x, precision=torch.float32):
        return run(x, self.folded(), self.scale, precision)

    def forward(self, x):
        return enlarge(x, self.scale) + self.residual(x)


def run(x, layers, scale, precision=torch.float32):
    """What is added to the bicubic enlargement. The first convolution stays in float32: bfloat16 is too coarse for it."""
    x = x.contiguous(memory_format=torch.channels_last)
    for i, (kernel, bias) in enumerate(layers):
        if i == 1:
            x = x.to(precision)
        x = F.conv2d(x, kernel.to(x.dtype), bias.to(x.dtype), padding=1)
        if i < len(layers) - 1:
            x = F.leaky_relu(x, SLOPE)
    return F.pixel_shuffle(x.float().contiguous(), scale)


def enlarge(x, scale):
    """What ncnn's Interp with resize_type=3 does: cubic with a=-0.75, half-pixel centres, edges repeated."""
    return F.interpolate(x, scale_factor=scale, mode='bicubic', align_corners=False)


def weight_count(net):
    """Weights of the folded net."""
    return sum(kernel.numel() + bias.numel() for kernel, bias in net.folded())


@torch.no_grad()
def rounded(net):
    """The function that the exported files compute."""
    layers = net.folded(half=True)
    return lambda x: enlarge(x, net.scale) + run(x, layers, net.scale)


@torch.no_grad()
def export(net, path):
    """Writes path.param and path.bin."""
    graph, layers = ncnn_file.begun(), net.folded(half=True)
    graph.blob = 'data_net'
    for kernel, bias in layers:
        graph.convolution(kernel, bias, leaky=kernel is not layers[-1][0])
    graph.enlarged_sum(net.scale, net.scale)
    graph.save(path)


@torch.no_grad()
def begin_from(net, path):
    """Takes over all kernels but the last from exported weights of another scale."""
    convs = list(net.convs)[:-1]
    for conv, (kernel, bias) in zip(convs, ncnn_file.read(path, [conv.kernel.shape[:2] for conv in convs])):
        conv.begin_as(torch.from_numpy(kernel), torch.from_numpy(bias))

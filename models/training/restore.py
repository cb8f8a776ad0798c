# SPDX-License-Identifier: MIT
"""The restore nets (restore-1x, restore-2x, three strengths each): what is trained and how it is written as ncnn graphs.

Both share one body. It works at half the size, on the four phases of the input side by side, so that few layers see far:
16 pixels in every direction, two blocks of JPEG. One head gives what is added to the input, the other what is
added to its bicubic enlargement.

A strength is a set of biases: kernels are the same for all, so the three of them are trained as one net that is told how
much damage to expect.

Flat areas are left alone by construction, as in the photo nets (photo.py): the first kernels sum to zero over all taps of
a colour, and the biases of the heads take back the answer to no difference at all.
"""
import os
import torch
import torch.nn as nn
import torch.nn.functional as F
import ncnn_file
from ncnn_file import SLOPE
from photo import FoldedConv, enlarge

CHANNELS, DEPTH = 64, 6
STRENGTHS = ('low', 'medium', 'high')
SCALES = (1, 2)


class Restore(nn.Module):
    def __init__(self, channels=CHANNELS, depth=DEPTH):
        super().__init__()
        self.first = FoldedConv(12, channels, gain=2.0)
        self.body = nn.ModuleList(FoldedConv(channels, channels) for _ in range(depth))
        self.heads = nn.ModuleList(FoldedConv(channels, 12 * s * s, zero=True, gain=0.25) for s in SCALES)
        self.shifts = nn.Parameter(torch.zeros(len(STRENGTHS), depth + 1, channels))  # of biases, per strength

    def kernels(self, half=False):
        first = self.first.folded()
        taps = first.view(-1, 3, 4, 3, 3)
        first = (taps - taps.mean((2, 3, 4), keepdim=True)).view_as(first)
        rest = [conv.folded() for conv in [*self.body, *self.heads]]
        if half:
            rest = [kernel.to(torch.float16).to(torch.float32) for kernel in rest]
        return [first] + rest[:len(self.body)], rest[len(self.body):]

    def biases(self, strength):
        """Of one strength, or [crops, channels] of several."""
        own = [self.first.bias] + [conv.bias for conv in self.body]
        return [bias + self.shifts[strength, i] for i, bias in enumerate(own)]

    def residuals(self, x, strengths, precision=torch.float32):
        """What is added at each scale; a strength for every crop."""
        body, heads = self.kernels()
        biases = self.biases(strengths)
        return run(x, body, biases, heads, precision)


def flat_answer(body, biases):
    flat = F.leaky_relu(biases[0], SLOPE)
    for kernel, bias in zip(body[1:], biases[1:]):
        flat = F.leaky_relu(flat @ kernel.sum((2, 3)).T + bias, SLOPE)
    return flat


def run(x, body, biases, heads, precision=torch.float32):
    flat = flat_answer(body, biases)
    x = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
    for i, (kernel, bias) in enumerate(zip(body, biases)):
        if i == 1:
            x = x.to(precision)
        x = F.conv2d(x, kernel.to(x.dtype), padding=1) + bias.to(x.dtype).reshape(-1, bias.shape[-1], 1, 1)
        x = F.leaky_relu(x, SLOPE)
    out = []
    for scale, head in zip(SCALES, heads):
        back = flat @ head.sum((2, 3)).T
        y = F.conv2d(x, head.to(x.dtype), padding=1).float() - back.reshape(-1, back.shape[-1], 1, 1)
        out.append(F.pixel_shuffle(y.contiguous(), 2 * scale))
    return out


def base(x, scale):
    """What the net's answer is added to."""
    return x if scale == 1 else enlarge(x, scale)


@torch.no_grad()
def rounded(net, scale, strength):
    """The function that exported files compute."""
    body, heads = net.kernels(half=True)
    biases = net.biases(strength)
    return lambda x: base(x, scale) + run(x, body, biases, heads)[SCALES.index(scale)]


def weight_count(scale, channels=CHANNELS, depth=DEPTH):
    return 9 * channels * (12 + depth * channels + 12 * scale * scale) + channels * (depth + 1) + 12 * scale * scale


def path_of(folder, scale, strength):
    """Without ending; medium strength bears the plain name."""
    name = STRENGTHS[strength]
    return os.path.join(folder, f'restore-{scale}x' + ('' if name == 'medium' else '-' + name))


@torch.no_grad()
def export(net, folder):
    """Writes the graphs and weights of all scales and strengths."""
    body, heads = net.kernels(half=True)
    for scale, head in zip(SCALES, heads):
        for strength in range(len(STRENGTHS)):
            biases = net.biases(strength)
            graph = ncnn_file.begun()
            graph.layer('Reorg', 'phases', ['data_net'], ['phases'], '0=2')
            for kernel, bias in zip(body, biases):
                graph.convolution(kernel, bias, leaky=True)
            graph.convolution(head, -(flat_answer(body, biases) @ head.sum((2, 3)).T), leaky=False)
            graph.enlarged_sum(scale, 2 * scale)
            graph.save(path_of(folder, scale, strength))


@torch.no_grad()
def begin_from(net, folder, channels, depth):
    """Begins with exported nets of fewer channels and layers: layers between theirs and the heads hand on what they get."""
    outputs = [channels] * (depth + 1)
    inputs = [12] + outputs[:-1]
    layers = {}
    for i, scale in enumerate(SCALES):
        for strength in range(len(STRENGTHS)):
            shapes = list(zip(outputs, inputs)) + [(12 * scale * scale, channels)]
            layers[i, strength] = [(torch.from_numpy(k), torch.from_numpy(b))
                                   for k, b in ncnn_file.read(path_of(folder, scale, strength), shapes)]
    medium = STRENGTHS.index('medium')
    for i, conv in enumerate([net.first, *net.body]):
        if i <= depth:
            kernel, bias = layers[0, medium][i]
            conv.begin_as(kernel, bias)
            for strength in range(len(STRENGTHS)):
                net.shifts[strength, i, :channels] = layers[0, strength][i][1] - bias
        else:
            same = torch.zeros(channels, channels, 3, 3)
            same[:, :, 1, 1] = torch.eye(channels)
            conv.begin_as(same, torch.zeros(channels))
    for i, head in enumerate(net.heads):
        head.begin_as(layers[i, medium][-1][0], None)

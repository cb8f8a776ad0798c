# SPDX-License-Identifier: MIT
"""The restore nets (restore-1x, restore-2x, three strengths each): what is trained and how it is written as ncnn graphs.

Both share one body. It works at half the size, on the four phases of the input side by side, so that few layers see far:
12 pixels in every direction, more than a block of JPEG. One head gives what is added to the input, the other what is
added to its bicubic enlargement.

A strength is a set of biases: kernels are the same for all, so the three of them are trained as one net that is told how
much damage to expect.

Flat areas are left alone by construction, as in the photo nets (photo.py): the first kernels sum to zero over all taps of
a colour, and the biases of the heads take back the answer to no difference at all.
"""
import struct
import torch
import torch.nn as nn
import torch.nn.functional as F
from photo import FP16_TAG, SLOPE, FoldedConv, enlarge

CHANNELS, DEPTH = 48, 4
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


@torch.no_grad()
def export(net, scale, strength, param_path, bin_path):
    """Writes the ncnn text graph and its weights: the first kernel and all biases as float32, other kernels as fp16."""
    body, heads = net.kernels(half=True)
    head, biases = heads[SCALES.index(scale)], net.biases(strength)
    layers = list(zip(body, biases)) + [(head, -(flat_answer(body, biases) @ head.sum((2, 3)).T))]
    lines = ['Input            data       0 1 data',
             'Split            branch     1 2 data data_net data_skip',
             'Reorg            phases     1 1 data_net phases 0=2']
    blob, parts = 'phases', []
    for i, (kernel, bias) in enumerate(layers):
        leaky = '' if i == len(layers) - 1 else f' 9=2 -23310=1,{SLOPE:e}'
        lines.append(f'Convolution      conv{i}      1 1 {blob} conv{i} '
                     f'0={len(bias)} 1=3 4=1 5=1 6={kernel.numel()}{leaky}')
        weights = kernel.contiguous().numpy().astype('<f2' if i else '<f4').tobytes()
        parts += [struct.pack('<I', FP16_TAG if i else 0), weights + b'\0' * (-len(weights) % 4),
                  bias.numpy().astype('<f4').tobytes()]
        blob = f'conv{i}'
    lines.append(f'PixelShuffle     shuffle    1 1 {blob} detail 0={2 * scale}')
    skip = 'data_skip'
    if scale > 1:
        lines.append(f'Interp           bicubic    1 1 data_skip skip 0=3 1={scale}.0 2={scale}.0')
        skip = 'skip'
    lines.append(f'BinaryOp         add        2 1 {skip} detail output 0=0')
    blobs = sum(int(line.split()[3]) for line in lines)
    with open(param_path, 'w') as f:
        f.write(f'7767517\n{len(lines)} {blobs}\n' + '\n'.join(lines) + '\n')
    with open(bin_path, 'wb') as f:
        f.write(b''.join(parts))

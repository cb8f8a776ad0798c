# SPDX-License-Identifier: MIT
"""The net that makes the frame between two frames, and its export as an ncnn graph.

It goes from coarse to fine: at 1/64, 1/32 and so on to 1/2 of the size (there twice), a block looks at both frames, as they are and
warped by the flow so far, and corrects the flow. Flow means: for each pixel of the frame at time t, how far away (in pixels of the level) its content is in
the first frame (x, y) and in the second (x, y). Beside it goes a mask (logit of how much the first frame counts) and a few
hidden channels. At full size a smaller block corrects flow and mask once more and adds what warped frames lack besides.
The coarsest levels share their weights, so that the largest motion, of which there is little to learn from, is met as smaller motion at a
coarser level; the exported graph repeats them.
"""
import torch
import torch.nn.functional as F
from torch import nn
import ncnn_file

LEVELS = (64, 32, 16, 8, 4, 2, 2)
BLOCKS = (0, 0, 0, 1, 2, 3, 4)             # whose weights they use
SIZES = ((40, 4), (56, 4), (64, 4), (40, 4), (40, 4))  # their channels and the convolutions of their trunks
FIRST, HIDDEN, FINE = 24, 8, 24
SLOPE = ncnn_file.SLOPE
ALIGNMENT = 2 * LEVELS[0]
BEND = 0.625                               # 0.5 makes Catmull and Rom's cubic, more is sharper
SMALL = 0.1                                # flow is fed to the convolutions in tens of pixels


def convolution(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def leaky(x):
    return F.leaky_relu(x, SLOPE)


def warp(image, flow):
    """image at (x + flow x, y + flow y), bilinear, positions clamped to the image."""
    height, width = image.shape[2:]
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + 0.5
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + 0.5
    grid = torch.stack(((x + flow[:, 0]) * (2 / width) - 1, (y + flow[:, 1]) * (2 / height) - 1), -1)
    return F.grid_sample(image, grid, padding_mode='border', align_corners=False)


def sharp(image, flow):
    """As warp(), but by cubics: along each axis a line between two samples, bent by what the differences around them change."""
    part = flow - flow.floor()
    bend = BEND * part * (part - 1)
    result = middle = warp(image, flow)
    for axis in (0, 1):
        step = torch.eye(2, device=flow.device)[axis].view(1, 2, 1, 1)
        around = warp(image, flow + step) + warp(image, flow - step) - 2 * middle
        result = result + bend[:, axis:axis + 1] * around
    return result


def twice(x):
    return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)


# What is left of the motion, by least squares (Lucas and Kanade) around each second pixel of two warped frames, needs no teaching:
# where the picture's slopes explain the difference, the nets below find the answer beside what they see.
GAIN, FLAT = 8.0, 0.004                   # slopes are multiplied by the one; the other, added to their squares, quiets flat places
MOST = 2.0                                 # pixels of the level
LEFT = 8                                   # channels of motion_left


def solved(s):
    motion = (s[:, 4:6] * s[:, 6:7] - s[:, 0:2] * s[:, 2:4]) / (s[:, 0:1] * s[:, 1:2] - s[:, 6:7] * s[:, 6:7])
    return motion.clamp(-MOST, MOST)


def smooth(x, step=1):
    """Means of 3 x 3 pixels, the middle ones count twice on each axis; zeros around. A GPU's convolutions would be less exact."""
    x = F.pad(x, (1, 1, 1, 1))
    x = x[:, :, :-2:step] + 2 * x[:, :, 1:-1:step] + x[:, :, 2::step]
    return (x[..., :-2:step] + 2 * x[..., 1:-1:step] + x[..., 2::step]) / 16


@torch.no_grad()
def motion_left(frames, t):
    """N x 6 x H x W, both frames -> N x LEFT x H/2 x W/2: the motion between them, from a near and from a wide neighbourhood, each as
    the part before t (x, y) and after it (x, y)."""
    a, b = frames.split(3, 1)
    mean, d = F.pad((a + b) * (GAIN / 16), (1, 1, 1, 1)), smooth(b - a, 2) * GAIN
    across, down = mean[..., 2::2] - mean[..., :-2:2], mean[:, :, 2::2] - mean[:, :, :-2:2]
    x = across[:, :, :-2:2] + 2 * across[:, :, 1:-1:2] + across[:, :, 2::2]
    y = down[..., :-2:2] + 2 * down[..., 1:-1:2] + down[..., 2::2]
    xx, yy, xy, xd, yd = (smooth((p * q).sum(1, keepdim=True)) for p, q in ((x, x), (y, y), (x, y), (x, d), (y, d)))
    near = torch.cat((yy + FLAT, xx + FLAT, xd, yd, yd, xd, xy), 1)
    motion = torch.cat((solved(near), solved(smooth(smooth(near)))), 1)
    before = motion * t
    return torch.cat((before, motion - before), 1)


class Block(nn.Module):
    """Corrects flow, mask and hidden channels at one level: works at half of the level's size."""

    def __init__(self, width, depth):
        super().__init__()
        self.begin = convolution(6 + 1 + 4 + 1 + HIDDEN + 6, FIRST, 2)
        self.widen = convolution(FIRST + LEFT, width)
        self.trunk = nn.ModuleList(convolution(width, width) for _ in range(depth))
        self.end = convolution(width + LEFT, 4 * (5 + HIDDEN))
        differences(self.begin)
        nn.init.zeros_(self.end.bias)
        self.end.weight.data.mul_(0.1)

    def forward(self, x, left):
        x = leaky(self.widen(torch.cat((leaky(self.begin(x)), left), 1)))
        for i in range(0, len(self.trunk), 2):
            x = leaky(x + self.trunk[i + 1](leaky(self.trunk[i](x))))
        return F.pixel_shuffle(self.end(torch.cat((x, left), 1)), 2)


def differences(layer):
    """Lets a first convolution begin with what matching needs: how much the frames differ if content moved by a pixel (its channels are
    the first frame's colours, then the second's), each difference and its negative."""
    shifts = [(y, x) for y in (0, 1, 2) for x in (0, 1, 2)]
    for i, (y, x) in enumerate(shifts[:layer.out_channels // 2]):
        kernel = layer.weight.data[2 * i]
        kernel.zero_()
        kernel[:3, y, x], kernel[3:6, 2 - y, 2 - x] = 0.6, -0.6
        layer.weight.data[2 * i + 1] = -kernel
    layer.bias.data[:2 * len(shifts)] = 0


class Fine(nn.Module):
    """The correction at full size: works at half of it."""

    def __init__(self):
        super().__init__()
        self.begin = convolution(6 + 4 + 1 + 6, FINE, 2)
        self.trunk = nn.ModuleList((convolution(FINE + HIDDEN + LEFT, FINE), convolution(FINE, FINE)))
        self.end = convolution(FINE + LEFT, 4 * (5 + 3))
        differences(self.begin)
        nn.init.zeros_(self.end.bias)
        self.end.weight.data.mul_(0.1)

    def forward(self, x, left, hidden):
        x = leaky(self.begin(x))
        x = leaky(x + self.trunk[1](leaky(self.trunk[0](torch.cat((x, hidden, left), 1)))))
        return F.pixel_shuffle(self.end(torch.cat((x, left), 1)), 2)


class Between(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block(*size) for size in SIZES)
        self.fine = Fine()

    def block(self, i):
        return self.blocks[BLOCKS[i]]

    def forward(self, first, second, t):
        """first, second: N x 3 x H x W, 0 to 1, sides multiples of ALIGNMENT; t: N x 1 x 1 x 1. Returns the frame (not clamped),
        [(level, flow, in pixels of the level)] (level 1: the full size) and [(level, frame, made of frames warped by the flow so far)]."""
        small = {1: (first, second)}
        for s in sorted(set(LEVELS)):
            small[s] = tuple(F.avg_pool2d(x, 2) for x in small[s // 2])
        flow = mask = hidden = None
        flows, merged = [], []
        for i, s in enumerate(LEVELS):
            plain = a, b = small[s]
            if flow is None:
                flow, mask, hidden = (a.new_zeros(a.shape[0], n, *a.shape[2:]) for n in (4, 1, HIDDEN))
            else:
                if LEVELS[i - 1] > s:
                    flow, mask, hidden = 2 * twice(flow), twice(mask), twice(hidden)
                a, b = warp(a, flow[:, :2]), warp(b, flow[:, 2:])
                merged.append((s, torch.lerp(b, a, torch.sigmoid(mask))))
            told = t.expand(-1, 1, *a.shape[2:])
            left = motion_left(torch.cat((a, b), 1), t)
            change = self.block(i)(torch.cat((a, b, told, flow * SMALL, mask, hidden, *plain), 1), left)
            flow, mask, hidden = flow + change[:, :4], mask + change[:, 4:5], change[:, 5:]
            flows.append((s, flow))
        flow, mask = 2 * twice(flow), twice(mask)
        a, b = warp(first, flow[:, :2]), warp(second, flow[:, 2:])
        merged.append((1, torch.lerp(b, a, torch.sigmoid(mask))))
        left = motion_left(torch.cat((a, b), 1), t)
        change = self.fine(torch.cat((a, b, flow * SMALL, mask, first, second), 1), left, hidden)
        flow, mask = flow + change[:, :4], mask + change[:, 4:5]
        motion = flow[:, 2:] - flow[:, :2]  # from the first frame to the second: straight
        flow = torch.cat((-t * motion, motion - t * motion), 1)
        flows.append((1, flow))
        a, b = sharp(first, flow[:, :2]), sharp(second, flow[:, 2:])
        return torch.lerp(b, a, torch.sigmoid(mask)) + change[:, 5:], flows, merged

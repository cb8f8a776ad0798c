# SPDX-License-Identifier: MIT
"""The net that makes the frame between two frames, and its export as an ncnn graph.

It goes from coarse to fine: at 1/16, 1/8, 1/4 and 1/2 of the size, a block looks at both frames, warped by the flow so far, and
corrects the flow. Flow means: for each pixel of the frame at time t, how far away (in pixels of the level) its content is in
the first frame (x, y) and in the second (x, y). Beside it goes a mask (logit of how much the first frame counts) and a few
hidden channels. At full size a smaller block corrects flow and mask once more and adds what warped frames lack (they are soft).
The levels below share their weights while they are taught; the exported graph repeats them.
"""
import torch
import torch.nn.functional as F
from torch import nn
import ncnn_file

LEVELS = (16, 8, 4, 2)
WIDTH, FIRST, HIDDEN, FINE = 40, 24, 3, 24
SLOPE = ncnn_file.SLOPE
ALIGNMENT = 2 * LEVELS[0]
SMALL = 0.1                                # flow is fed to the convolutions in tens of pixels


def convolution(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def leaky(x):
    return F.leaky_relu(x, SLOPE)


def warp(image, flow):
    """image at (x + flow x, y + flow y), bilinear, positions clamped to the image."""
    height, width = image.shape[2:]
    x = torch.arange(width, dtype=flow.dtype) + 0.5
    y = torch.arange(height, dtype=flow.dtype)[:, None] + 0.5
    grid = torch.stack(((x + flow[:, 0]) * (2 / width) - 1, (y + flow[:, 1]) * (2 / height) - 1), -1)
    return F.grid_sample(image, grid, padding_mode='border', align_corners=False)


def twice(x):
    return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)


# What is left of the motion, by least squares (Lucas and Kanade) around each second pixel of two warped frames, needs no teaching:
# where the picture's slopes explain the difference, the nets below find the answer beside what they see. Kernels of one channel:
SLOPE_X = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
ROUND = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
GAIN, FLAT = 8.0, 0.004                   # slopes are multiplied by the one; the other, added to their squares, quiets flat places
MOST = 2.0                                 # pixels of the level
LEFT = 8                                   # channels of motion_left


def slopes():
    """Kernel (9 x 6 x 3 x 3): of the colours of both frames, their mean's slope along x and along y, and their difference."""
    kernel = torch.zeros(9, 6, 3, 3)
    for colour in range(3):
        for frame_at, sign in ((colour, -1), (colour + 3, 1)):
            kernel[colour, frame_at], kernel[3 + colour, frame_at] = SLOPE_X / 2, SLOPE_X.T / 2
            kernel[6 + colour, frame_at] = sign * ROUND
    return kernel * GAIN


def sums():
    """Kernel (7 x 15 x 3 x 3) and bias: sums around a pixel of the products xx, yy, xy, xd, yd of three colours each, in the order
    yy, xx, xd, yd, yd, xd, xy."""
    kernel = torch.zeros(7, 15, 3, 3)
    for i, product in enumerate((1, 0, 3, 4, 4, 3, 2)):
        kernel[i, 3 * product:3 * product + 3] = ROUND
    return kernel, torch.tensor([FLAT, FLAT, 0, 0, 0, 0, 0])


def solved(s):
    motion = (s[:, 4:6] * s[:, 6:7] - s[:, 0:2] * s[:, 2:4]) / (s[:, 0:1] * s[:, 1:2] - s[:, 6:7] * s[:, 6:7])
    return motion.clamp(-MOST, MOST)


@torch.no_grad()
def motion_left(frames, t):
    """N x 6 x H x W, both frames -> N x LEFT x H/2 x W/2: the motion between them, from a near and from a wide neighbourhood, each as
    the part before t (x, y) and after it (x, y)."""
    x, y, d = F.conv2d(frames, slopes(), stride=2, padding=1).split(3, 1)
    near = F.conv2d(torch.cat((x * x, y * y, x * y, x * d, y * d), 1), *sums(), padding=1)
    wide = near
    for _ in range(2):
        wide = F.conv2d(wide, ROUND.expand(7, 1, 3, 3), padding=1, groups=7)
    motion = torch.cat((solved(near), solved(wide)), 1)
    before = motion * t
    return torch.cat((before, motion - before), 1)


class Block(nn.Module):
    """Corrects flow, mask and hidden channels at one level: works at half of the level's size."""

    def __init__(self):
        super().__init__()
        self.begin = convolution(6 + 1 + 4 + 1 + HIDDEN, FIRST, 2)
        self.widen = convolution(FIRST + LEFT, WIDTH)
        self.trunk = nn.ModuleList(convolution(WIDTH, WIDTH) for _ in range(4))
        self.end = convolution(WIDTH + LEFT, 4 * (5 + HIDDEN))
        nn.init.zeros_(self.end.bias)
        self.end.weight.data.mul_(0.1)

    def forward(self, x, left):
        x = leaky(self.widen(torch.cat((leaky(self.begin(x)), left), 1)))
        for i in (0, 2):
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
        self.begin = convolution(6 + 4 + 1, FINE, 2)
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
    def __init__(self, shared=True):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(1 if shared else len(LEVELS)))
        self.fine = Fine()

    def block(self, i):
        return self.blocks[i if len(self.blocks) > 1 else 0]

    def forward(self, first, second, t, levels=LEVELS):
        """first, second: N x 3 x H x W, 0 to 1, sides multiples of ALIGNMENT; t: N x 1 x 1 x 1; levels: the last ones of LEVELS, all but in training. Returns the frame (not clamped),
        [flow, in pixels of the level, of each level and of the full size], and [frame, of each level but the coarsest and of the
        full size, made of frames warped by the flow from the level before]."""
        small = {1: (first, second)}
        for s in reversed(LEVELS):
            small[s] = tuple(F.avg_pool2d(x, 2) for x in small[s // 2])
        flow = mask = hidden = None
        flows, merged = [], []
        for s in levels:
            a, b = small[s]
            if flow is None:
                flow, mask, hidden = (a.new_zeros(a.shape[0], n, *a.shape[2:]) for n in (4, 1, HIDDEN))
            else:
                a, b = warp(a, flow[:, :2]), warp(b, flow[:, 2:])
                merged.append(torch.lerp(b, a, torch.sigmoid(mask)))
            told = t.expand(-1, 1, *a.shape[2:])
            left = motion_left(torch.cat((a, b), 1), t)
            change = self.block(LEVELS.index(s))(torch.cat((a, b, told, flow * SMALL, mask, hidden), 1), left)
            flow, mask, hidden = flow + change[:, :4], mask + change[:, 4:5], change[:, 5:]
            flows.append(flow)
            coarse = hidden
            flow, mask, hidden = 2 * twice(flow), twice(mask), twice(hidden) if s > LEVELS[-1] else None
        a, b = warp(first, flow[:, :2]), warp(second, flow[:, 2:])
        merged.append(torch.lerp(b, a, torch.sigmoid(mask)))
        left = motion_left(torch.cat((a, b), 1), t)
        change = self.fine(torch.cat((a, b, flow * SMALL, mask), 1), left, coarse)
        flow, mask = flow + change[:, :4], mask + change[:, 4:5]
        flows.append(flow)
        a, b = warp(first, flow[:, :2]), warp(second, flow[:, 2:])
        return torch.lerp(b, a, torch.sigmoid(mask)) + change[:, 5:], flows, merged


def frame(net, first, second, t=0.5):
    """The frame at time t of any size: edges are repeated up to the alignment, the result is clamped."""
    height, width = first.shape[2:]
    pad = (0, -width % ALIGNMENT, 0, -height % ALIGNMENT)
    first, second = (F.pad(x, pad, mode='replicate') for x in (first, second))
    return net(first, second, torch.full((len(first), 1, 1, 1), float(t)))[0][:, :, :height, :width].clamp(0, 1)


def begin_from(net, weights):
    """Takes weights of a net like this one; one whose levels shared theirs may begin one whose levels do not. Of convolutions that
    read more here, what is read besides begins at zero."""
    if not any(name.startswith('blocks.1.') for name in weights):
        for i in range(1, len(net.blocks)):
            weights.update({name.replace('blocks.0.', f'blocks.{i}.'): x for name, x in weights.items() if 'blocks.0.' in name})
    with torch.no_grad():
        for name, own in net.state_dict().items():
            given = weights[name]
            if own.shape != given.shape:
                own[:, given.shape[1]:] = 0
                own = own[:, :given.shape[1]]
            own.copy_(given)

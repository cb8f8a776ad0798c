# SPDX-License-Identifier: MIT
"""Made motion to judge by: layers of photographs that move over each other, and the true frame in between.

Each sample is made from its number alone. Photographs come from pictures.py; every eighth of the training photographs is set aside to
choose the checkpoint. What a net learns from is made by scenes.py, which shares no code with this.

A layer is a texture in its own coordinates u (output pixels around its middle). It is at X0(u) in the first frame, at X1(u) in
the second, X0 affine, X1 affine after a smooth local warp, and in between it moves straight: x = (1 - t) X0(u) + t X1(u).
"""
import math
import random
import numpy as np
import torch
import torch.nn.functional as F
import pictures

OVER = 2                                   # samples per pixel and axis, averaged


def photographs(folder, part, only=None):
    """The pictures of a part ('train', 'choose' or 'held'), halved and at a third: sharp, and without compression. Renderings
    teach a little. `only`: the one of this name."""
    found = []
    for kind in ('photograph', 'rendering') if part == 'train' else ('photograph',):
        rows = [row for row in pictures.split() if row[2] == kind]
        for i, (package, name, _, held) in enumerate(rows):
            if part != ('held' if held else 'choose' if kind == 'photograph' and i % 8 == 3 else 'train') or name != (only or name):
                continue
            for shrink in (2, 3):
                def make():
                    whole = pictures.load(pictures.locate(folder, package, name))
                    return pictures.reduce(whole, shrink, 'lanczos' if shrink == 2 else 'area')
                picture = pictures.cached(folder, f'{package}-{name}-motion-{shrink}', make)
                if min(picture.shape[:2]) >= 256:
                    found += [picture] * (4 if kind == 'photograph' else 1)
    return found


def sample_at(field, x, y, mode='reflection'):
    """Bilinear samples of field (C x H x W) at pixel positions x, y (any shape)."""
    height, width = field.shape[1:]
    grid = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)[None]
    return F.grid_sample(field[None], grid, padding_mode=mode, align_corners=False)[0]


def turn(angle, zoom, shear):
    c, s = math.cos(angle) * zoom, math.sin(angle) * zoom
    return torch.tensor([[c, -s + shear], [s, c + shear / 2]], dtype=torch.float32)


class Layer:
    """One moving texture. `reach` is how far from its middle it may be looked at, in output pixels."""

    def __init__(self, rng, picture, middle, move, size, front):
        self.shape = None
        angle, zoom = rng.gauss(0, 0.3) if front else rng.gauss(0, 0.05), 1.0
        lively = 0.0 if rng.random() < 0.4 else min(1.0, math.hypot(*move) / 12 + 0.15)
        twist, grow, shear = (rng.gauss(0, s) * lively for s in (0.05, 0.04, 0.02))
        self.linear = [turn(angle - twist / 2, zoom * (1 - grow / 2), -shear / 2), turn(angle + twist / 2, zoom * (1 + grow / 2), shear / 2)]
        middle, move = torch.tensor(middle), torch.tensor(move)
        self.at = [middle - move / 2, middle + move / 2]
        reach = size * (0.75 if not front else 0.6) + float(move.abs().max())
        cells = max(3, int(2 * reach / rng.uniform(30, 90)))
        self.reach = reach
        local = rng.choice((0.0, 0.0, 0.5, 1.0, 2.5, 5.0))
        seed = torch.Generator().manual_seed(rng.getrandbits(40))
        bend = torch.randn(1, 2, cells, cells, generator=seed) * min(local, 0.12 * 2 * reach / cells)
        self.warp = F.interpolate(bend, scale_factor=4, mode='bicubic', align_corners=False)[0]
        self.density = rng.uniform(0.9, 1.9)
        need = int(2 * reach * self.density) + 8
        height, width = picture.shape[:2]
        cuts = []
        for _ in range(3):                 # of three places, the liveliest
            y, x = rng.randrange(max(1, height - need)), rng.randrange(max(1, width - need))
            cuts.append(np.array(picture[y:y + need, x:x + need]))
        cut = max(cuts, key=lambda c: np.abs(np.diff(c[::2, ::2, 1].astype(np.int16))).mean())
        cut = torch.from_numpy(cut).permute(2, 0, 1).float() / 255
        if rng.random() < 0.25:
            for _ in range(rng.randint(1, 3)):
                cut = F.avg_pool2d(F.pad(cut[None], (1, 1, 1, 1), mode='replicate'), 3, 1)[0]
        if front and rng.random() < 0.5:   # other light than the background's
            gain = rng.uniform(0.5, 1.1)
            cut = (cut * gain + rng.uniform(0, 1) * (1 - gain)).clamp(0, 1)
        self.texture = cut
        if front:
            self.outline(rng, size)

    def outline(self, rng, size):
        """The edge of a foreground: a star of sines around its middle, or a bar; soft by `soft` pixels."""
        self.radius = size * rng.uniform(0.12, 0.42)
        self.soft = rng.choice((0.7, 0.7, 1.0, 2.0, 4.0))
        self.squeeze = rng.uniform(1, 2) if rng.random() < 0.7 else rng.uniform(3, 12)
        self.shape = [(n, rng.gauss(0, 0.25 / n), rng.uniform(0, 2 * math.pi)) for n in range(2, rng.choice((3, 5, 9)))]

    def cover(self, u, v):
        """How much of a sample at u, v the layer covers, 0 to 1."""
        if self.shape is None:
            return torch.ones_like(u)
        v = v * self.squeeze
        edge, angle = 1.0, torch.atan2(v, u)
        for n, size, phase in self.shape:
            edge = edge + size * torch.sin(n * angle + phase)
        gap = (self.radius * edge - torch.hypot(u, v)) / math.sqrt(self.squeeze)
        return (gap / self.soft + 0.5).clamp(0, 1)

    def bent(self, u, v):
        """The local warp at u, v."""
        n, reach = self.warp.shape[1], self.reach
        return sample_at(self.warp, (u / reach + 1) * n / 2 - 0.5, (v / reach + 1) * n / 2 - 0.5, 'border')

    def inverse(self, t, x, y):
        """Where in the texture the layer's point at x, y of time t comes from."""
        (l0, l1), (a0, a1) = self.linear, self.at
        back = torch.linalg.inv((1 - t) * l0 + t * l1)
        x, y = x - ((1 - t) * a0[0] + t * a1[0]), y - ((1 - t) * a0[1] + t * a1[1])
        u, v = back[0, 0] * x + back[0, 1] * y, back[1, 0] * x + back[1, 1] * y
        if t > 0:
            warp = t * back @ l1
            u0, v0 = u, v
            for _ in range(6):
                du, dv = self.bent(u, v)
                u, v = u0 - warp[0, 0] * du - warp[0, 1] * dv, v0 - warp[1, 0] * du - warp[1, 1] * dv
        return u, v

    def look(self, u, v):
        middle = self.texture.shape[2] / 2, self.texture.shape[1] / 2
        return sample_at(self.texture, u * self.density + middle[0] - 0.5, v * self.density + middle[1] - 0.5)


def direction(rng, length):
    angle = rng.uniform(0, 2 * math.pi)
    return length * math.cos(angle), length * math.sin(angle)


def scene(rng, found, side, far):
    """Layers from back to front. Moves are up to `far` pixels from the first frame to the second."""
    def move():
        return direction(rng, math.exp(rng.uniform(0, math.log(far))))
    camera = (0.0, 0.0) if rng.random() < 0.2 else move()
    layers = [Layer(rng, rng.choice(found), (side / 2, side / 2), camera, side, False)]
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
        kind = rng.random()
        own = (0.0, 0.0) if kind < 0.12 else move() if kind < 0.6 else tuple(c + d for c, d in zip(camera, direction(
            rng, math.exp(rng.uniform(0, math.log(12))))))
        middle = rng.uniform(0.1, 0.9) * side, rng.uniform(0.1, 0.9) * side
        layers.append(Layer(rng, rng.choice(found), middle, own, side, True))
    return layers


def frame(layers, t, side):
    """The picture at time t, 3 x side x side, 0 to 1."""
    picture = torch.zeros(3, side * OVER, side * OVER)
    pad = 2                                # the smooth map is found at a quarter and interpolated, some of it beyond the frame
    line = (torch.arange(side // 4 + 2 * pad, dtype=torch.float32) + 0.5 - pad) * 4 - 0.5
    y, x = torch.meshgrid(line, line, indexing='ij')
    for layer in layers:
        coarse = torch.stack(layer.inverse(t, x, y))
        u, v = F.interpolate(coarse[None], scale_factor=4 * OVER, mode='bilinear', align_corners=False)[0][
            :, pad * 4 * OVER:-pad * 4 * OVER, pad * 4 * OVER:-pad * 4 * OVER]
        if layer.shape is None:
            picture = layer.look(u, v)
            continue
        cover = layer.cover(u, v)
        rows, columns = cover.amax(1).nonzero(), cover.amax(0).nonzero()
        if len(rows) == 0:
            continue
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        part = picture[:, box[0], box[1]]
        part += (layer.look(u[box], v[box]) - part) * cover[box]
    return F.avg_pool2d(picture[None], OVER)[0]


def make(number, found, side, far, t):
    """One sample of moves up to `far` pixels: first frame, the one at time t, last frame (3 x side x side x 3, uint8)."""
    rng = random.Random(number * 7919 + 20261126)
    layers = scene(rng, found, side, far)
    rng.random()                           # once decided about t
    moments = 0.0, t, 1.0
    shown = [frame(layers, moment, side) for moment in moments]
    drift = rng.gauss(0, 0.06) if rng.random() < 0.2 else 0.0
    frames = torch.stack([picture * (1 + drift * (moment - 0.5)) for picture, moment in zip(shown, moments)])
    grain = rng.uniform(0, 3) / 255 if rng.random() < 0.25 else 0.0
    seed = torch.Generator().manual_seed(number)
    frames = frames + grain * torch.randn(frames.shape, generator=seed)
    return (frames.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).numpy()

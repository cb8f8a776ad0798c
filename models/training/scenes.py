# SPDX-License-Identifier: MIT
"""Made motion without end for training: batches of scenes are made up here and drawn by scenes.cu, on a GPU (through cupy) or by a C
compiler's work. motion.py, which judges, shares no code with it.

Usage: scenes.py PICTURES SHEET.png draws some scenes: first frame, middle, last; the flow's length; what is seen.
"""
import collections
import concurrent.futures
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import numpy as np
import torch
import torch.nn.functional as F
import motion
import pictures

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'scenes.cu')
LAYERS, WAVES, HARMONICS = 4, 4, 7
CELL = 64                                  # pixels of the bank whose liveliness is one number


def places():
    """Where each number of a layer is: the enum of scenes.cu."""
    with open(SOURCE) as f:
        text = re.search(r'enum \{(.*?)\};', f.read(), re.S)[1]
    found, at = {'WAVES': WAVES, 'HARMONICS': HARMONICS}, 0
    for entry in re.sub(r'/\*.*?\*/', '', text, flags=re.S).split(','):
        name, _, value = entry.partition('=')
        found[name.strip()] = at = eval(value, {}, found) if value else at
        at += 1
    return found


AT = places()


class Bank:
    """All pictures of a part as RGBX pixels in a row, each also at a half and a quarter of its size, from which smooth things are made."""

    def __init__(self, folder, part):
        rows_of, weights, self.table, self.lively, at = [], [], [], [], 0
        found = motion.photographs(folder, part)
        often = collections.Counter(map(id, found))
        for picture in {id(x): x for x in found}.values():
            for shrink, share in ((1, 1), (2, 0.3), (4, 0.15)):
                small = picture if shrink == 1 else pictures.reduce(picture, shrink, 'area')
                height, width = small.shape[:2]
                rows, columns = height // CELL, width // CELL
                if rows < 2 or columns < 2:
                    continue
                grey = small[:rows * CELL, :columns * CELL, 1].astype(np.int16)
                lively = np.abs(np.diff(grey, axis=1, append=grey[:, -1:])).reshape(rows, CELL, columns, CELL).mean((1, 3))
                self.table.append((at // 65536, at % 65536, width, height))
                self.lively.append(lively)
                weights.append(often[id(picture)] * share)
                rows_of.append(np.concatenate((small, np.zeros_like(small[..., :1])), 2).reshape(-1, 4))
                at += height * width
        self.pixels, self.table, self.share = np.concatenate(rows_of), np.array(self.table, np.float32), np.array(weights) / sum(weights)
        self.first = np.cumsum([0] + [x.size for x in self.lively])[:-1]
        self.columns = np.array([x.shape[1] for x in self.lively])
        self.rows = np.array([x.shape[0] for x in self.lively])
        self.lively = np.concatenate([x.ravel() for x in self.lively])

    def choose(self, rng, shape):
        """The TEXTURE numbers but density: of three places of a picture the liveliest, or any."""
        which = rng.choice(len(self.table), shape, p=self.share)
        row, column = ((rng.random((3, *shape)) * size[which]).astype(int) for size in (self.rows, self.columns))
        best = np.where(rng.random(shape) < 0.7, self.lively[self.first[which] + row * self.columns[which] + column].argmax(0), 0)[None]
        row, column = (np.take_along_axis(x, best, 0)[0] for x in (row, column))
        return np.concatenate((self.table[which], np.stack((column, row), -1) * CELL + rng.random((*shape, 2)) * CELL), -1)


def turned(angle, zoom, shear):
    c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
    return np.stack((c, shear - s, s, c + shear / 2), -1)


def moves(rng, shape, far):
    """Lengths are spread evenly by their logarithm."""
    length, angle = np.exp(rng.random(shape) * np.log(far)), rng.random(shape) * 2 * np.pi
    return length[..., None] * np.stack((np.cos(angle), np.sin(angle)), -1)


def scenes(rng, bank, count, side, far):
    """count x LAYERS x PARAMETERS, and count x 3 heads. Moves are up to `far` pixels from the first frame to the last."""
    shape = count, LAYERS
    made = np.zeros((*shape, AT['PARAMETERS']))

    def put(name, value):
        value = np.asarray(value)
        value = value[..., None] if value.ndim == 2 else value.reshape(*shape, -1)
        made[..., AT[name]:AT[name] + value.shape[-1]] = value

    def maybe(chance, value, otherwise=0.0):
        return np.where(rng.random(shape) < chance, value, otherwise)

    def between(low, high, shape=shape):
        return low + (high - low) * rng.random(shape)

    back = np.arange(LAYERS)[None] == 0
    put('PRESENT', back | (np.arange(LAYERS)[None] <= rng.choice((0, 1, 2, 2, 3, 3), (count, 1))))
    camera = moves(rng, (count, 1), far) * (rng.random((count, 1, 1)) > 0.25)
    kind = rng.random(shape)[..., None]
    move = np.where(kind < 0.12, 0, np.where(kind < 0.6, moves(rng, shape, far), camera + moves(rng, shape, min(far, 12))))
    move = np.where(back[..., None], camera, move)
    middle = np.where(back[..., None], 0.5, between(0.0, 1.0, (*shape, 2))) * side
    put('AT0', middle - move / 2)
    put('AT1', middle + move / 2)
    length = np.hypot(*np.moveaxis(move, -1, 0))
    lively = maybe(0.6, np.minimum(1, length / 12 + 0.15))
    twist, grow, shear = (rng.normal(0, s, shape) * lively for s in (0.05, 0.04, 0.02))
    angle = rng.normal(0, 0.3, shape) * np.where(back, 0.2, 1)
    put('LINEAR0', turned(angle - twist / 2, 1 - grow / 2, -shear / 2))
    put('LINEAR1', turned(angle + twist / 2, 1 + grow / 2, shear / 2))

    texture = np.concatenate((bank.choose(rng, shape), np.where(rng.random(shape) < 0.15, between(0.3, 0.9), between(0.9, 1.9))[..., None]), -1)
    put('TEXTURE', texture)
    gain = maybe(0.5, between(0.5, 1.1), 1.0)
    gain = np.where(back, 1.0, gain)
    pale = maybe(0.15, np.exp(between(np.log(0.15), 0)), 1.0)
    put('LIGHT', np.stack((gain * pale, (1 - gain * pale) * between(0, 1) * (gain * pale < 1), maybe(0.1, rng.normal(0, 0.08, shape))), -1))

    # Waves: of each, the steepest slope is at most a part of 0.3; some are along the move, as things at different depths move
    wave_shape = (*shape, WAVES)
    waves, turn = np.exp(between(np.log(25), np.log(400), wave_shape)), between(0, 2 * np.pi, wave_shape)
    size = np.minimum(rng.choice((0.0, 0.0, 0.5, 1.0, 2.5, 6.0), shape)[..., None], 0.3 / WAVES * waves / (2 * np.pi))
    wild = rng.normal(0, 1, (*wave_shape, 2))
    ahead = (move / (length[..., None] + 1e-6))[..., None, :] * rng.normal(0, 1, (*wave_shape, 1))
    along = (rng.random(shape) < 0.4)[..., None, None]
    deep = np.minimum(0.12 * length[..., None], 0.3 / WAVES * waves / (2 * np.pi))
    amplitude = np.where(along, ahead.clip(-1.5, 1.5) * deep[..., None], wild.clip(-1.5, 1.5) * size[..., None])
    put('BEND', np.concatenate((np.stack((2 * np.pi / waves * np.cos(turn), 2 * np.pi / waves * np.sin(turn),
                                          between(0, 2 * np.pi, wave_shape)), -1), amplitude), -1))

    radius = side * np.exp(between(np.log(0.06), np.log(0.55)))
    squeeze = np.where(rng.random(shape) < 0.7, between(1, 2), np.exp(between(np.log(3), np.log(20))))
    soft = rng.choice((0.7, 0.7, 1.0, 2.0, 4.0), shape)
    put('OUTLINE', np.stack((np.where(back, 0, np.where(rng.random(shape) < 0.25, 2, 1)), radius, soft, squeeze, rng.choice((2, 2, 2, 6, 12), shape)), -1))
    harmonics = np.arange(2, 2 + HARMONICS)
    size = rng.normal(0, 0.25, (*shape, HARMONICS)) / harmonics * (harmonics < rng.choice((3, 5, 9), shape)[..., None])
    put('STAR', np.stack((size, between(0, 2 * np.pi, size.shape)), -1))
    waves, turn = np.exp(between(np.log(6), np.log(80), (*shape, 1)) + between(0, 0.7, wave_shape)), between(0, 2 * np.pi, wave_shape)
    put('HOLES', np.concatenate((between(-1, 1)[..., None], np.stack((
        2 * np.pi / waves * np.cos(turn), 2 * np.pi / waves * np.sin(turn), between(0, 2 * np.pi, wave_shape)), -1).reshape(*shape, -1)), -1))

    t = np.where(rng.random(count) < 0.6, 0.5, between(0.05, 0.95, count))
    shutter = np.where(rng.random(count) < 0.12, np.minimum(between(0.1, 0.6, count), 30 / (length.max(1) + 1e-6)), 0)
    samples = np.where(shutter > 0, 16, 4)
    return made.astype(np.float32), np.stack((t, shutter, samples), -1).astype(np.float32)


class Renderer:
    """Draws scenes on a device ('cpu' or 'cuda')."""

    def __init__(self, bank, device):
        self.bank, self.device = bank, torch.device(device)
        self.pixels = torch.from_numpy(bank.pixels).to(device)
        if self.device.type == 'cuda':
            import cupy
            with open(SOURCE) as f:
                self.module = cupy.RawModule(code=f.read(), options=('--use_fast_math',))
            self.kernel, self.cupy = self.module.get_function('render'), cupy
        else:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, 'scenes.so')
                subprocess.run(['cc', '-x', 'c', '-std=c11', '-O3', '-march=native', '-ffast-math', '-shared', '-fPIC', SOURCE, '-o', path,
                                '-lm'], check=True)
                self.kernel = ctypes.CDLL(path).render
            self.threads = os.cpu_count()
            self.pool = concurrent.futures.ThreadPoolExecutor(self.threads)

    def __call__(self, made, heads, side):
        """frames (N x 3 x 3 x side x side, 0 to 1), flow (N x 4 x side/2 x side/2, pixels), seen (N x 2 x ...), t (N x 1 x 1 x 1)."""
        count = len(made)
        made, heads = (torch.from_numpy(x).to(self.device) for x in (made, heads))
        frames, flow, seen = (torch.empty(count, *shape, device=self.device) for shape in (
            (3, 3, side, side), (4, side // 2, side // 2), (2, side // 2, side // 2)))
        given, total = [x.data_ptr() for x in (made, heads, self.pixels)], count * side * side
        out = [x.data_ptr() for x in (frames, flow, seen)]
        if self.device.type == 'cuda':
            with self.cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream):
                self.kernel(((total + 255) // 256,), (256,), (*map(np.uint64, given), np.int32(side), np.int64(total), *map(np.uint64, out)))
        else:
            parts = np.linspace(0, total, 4 * self.threads + 1).astype(int)
            list(self.pool.map(lambda i: self.kernel(*map(ctypes.c_void_p, given), ctypes.c_int(side), ctypes.c_longlong(parts[i]),
                                                     ctypes.c_longlong(parts[i + 1]), *map(ctypes.c_void_p, out)), range(4 * self.threads)))
        return frames, flow, seen, heads[:, :1, None, None].clone()


def main():
    from PIL import Image
    side, count = 256, 8
    renderer = Renderer(Bank(sys.argv[1], 'train'), 'cpu')
    frames, flow, seen, _ = renderer(*scenes(np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 1), renderer.bank, count, side, 44.0), side)
    length = torch.stack([F.interpolate(x.norm(dim=1, keepdim=True) / 44, scale_factor=2) for x in (flow[:, :2], flow[:, 2:])], 1)
    shown = [frames, length.expand(-1, -1, 3, -1, -1), F.interpolate(seen, scale_factor=2)[:, :, None].expand(-1, -1, 3, -1, -1)]
    rows = torch.cat(shown, 1).permute(0, 3, 1, 4, 2).reshape(count * side, -1, 3)
    Image.fromarray((rows.clamp(0, 1) * 255 + 0.5).to(torch.uint8).numpy()).save(sys.argv[2])


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: MIT
"""Measures a photo net on held-out pictures, through ncnn, and prints Markdown tables.

evaluate_photo.py PICTURES [--scale S] [--model FOLDER] [--check CHECKPOINT] [--crops FILE.png] [--kind photograph]

PSNR of luma (BT.601), borders of 4 pixels cut off, all results rounded to 8 bits. The reference is the picture itself;
what is enlarged is the picture reduced by the scale. --check compares ncnn's result of the exported files with the training
framework's result of the checkpoint, weights rounded to fp16.
"""
import argparse
import os
import time
import numpy as np
import ncnn
from PIL import Image
import pictures

BORDER, STRIP, HALO = 4, 512, 8


class Runtime:
    def __init__(self, folder, scale, threads=1):
        self.scale, name = scale, os.path.join(folder, f'photo-{scale}x')
        self.net = ncnn.Net()
        self.net.opt.num_threads = threads
        self.net.opt.use_vulkan_compute = False
        for name in ('fp16_packed', 'fp16_storage', 'fp16_arithmetic', 'bf16_storage', 'bf16_packed'):
            if hasattr(self.net.opt, 'use_' + name):
                setattr(self.net.opt, 'use_' + name, False)
        if self.net.load_param(name + '.param') or self.net.load_model(name + '.bin'):
            raise SystemExit(f'cannot load {name}')

    def floats(self, planes):
        extractor = self.net.create_extractor()
        planes = np.ascontiguousarray(planes)  # Mat borrows its memory, so that it must live until the result is out
        extractor.input('data', ncnn.Mat(planes))
        status, result = extractor.extract('output')
        assert status == 0
        return np.array(result)

    def __call__(self, picture):
        """An RGB8 picture enlarged, in strips that overlap by more than the net sees."""
        planes = picture.transpose(2, 0, 1).astype(np.float32) / 255
        height, s = planes.shape[1], self.scale
        out = np.empty((s * height, s * planes.shape[2], 3), np.uint8)
        for y in range(0, height, STRIP):
            top, end = max(0, y - HALO), min(height, y + STRIP)
            part = self.floats(planes[:, top:min(height, end + HALO)])[:, s * (y - top):s * (end - top)]
            out[s * y:s * end] = (part * 255 + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
        return out


def resize(kernel, scale):
    return lambda picture: np.asarray(Image.fromarray(picture).resize(
        (scale * picture.shape[1], scale * picture.shape[0]), kernel))


def luma(picture):
    return 16 + picture.astype(np.float32) @ np.array([65.481, 128.553, 24.966], np.float32) / 255


def psnr(result, reference):
    error = (luma(result) - luma(reference))[BORDER:-BORDER, BORDER:-BORDER].astype(np.float64)
    return 10 * np.log10(255 ** 2 / max((error ** 2).mean(), 1e-4))


def even(picture, scale):
    return np.ascontiguousarray(picture[:picture.shape[0] // scale * scale, :picture.shape[1] // scale * scale])


def table(rows, scale):
    print(f'| picture | size | bicubic | Lanczos | photo-{scale}x | gain | gain, area | gain, Lanczos |')
    print('|---|---|---|---|---|---|---|---|')
    for name, size, b, l, n, area, lanczos in rows:
        print(f'| {name} | {size} | {b:.2f} | {l:.2f} | {n:.2f} | {n - b:+.2f} | {area:+.2f} | {lanczos:+.2f} |')
    mean = [sum(r[i] for r in rows) / len(rows) for i in range(2, 7)]
    print(f'| **mean of {len(rows)}** | | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2]:.2f} | **{mean[2] - mean[0]:+.2f}** '
          f'| {mean[3]:+.2f} | {mean[4]:+.2f} |\n', flush=True)


def measure(folder, net, kind, shrink):
    scale, rows = net.scale, []
    bicubic, lanczos = resize(Image.Resampling.BICUBIC, scale), resize(Image.Resampling.LANCZOS, scale)
    for package, name, this_kind, held_out in pictures.split():
        if not held_out or this_kind != kind:
            continue
        picture = pictures.load(pictures.locate(folder, package, name))
        if shrink > 1:
            picture = pictures.reduce(picture, shrink, 'lanczos')
        picture, gains = even(picture, scale), {}
        for kernel in pictures.KERNELS:
            small = pictures.reduce(picture, scale, kernel)
            found = psnr(bicubic(small), picture), psnr(net(small), picture)
            gains[kernel] = found[1] - found[0]
            if kernel == 'bicubic':
                here = found[0], psnr(lanczos(small), picture), found[1]
        size = f'{picture.shape[1]}x{picture.shape[0]}'
        rows.append((name.split('.')[0].split('_by_')[0], size, *here, gains['area'], gains['lanczos']))
    return rows


def check(folder, net, checkpoint):
    import torch
    import photo
    trained = photo.Photo(net.scale)
    trained.load_state_dict(torch.load(checkpoint)['net'])
    package, name = next((p, n) for p, n, kind, held_out in pictures.split() if held_out and kind == 'photograph')
    small = pictures.reduce(pictures.load(pictures.locate(folder, package, name)), 2)[:301, :402]
    planes = small.transpose(2, 0, 1).astype(np.float32) / 255
    with torch.no_grad():
        expected = photo.rounded(trained)(torch.from_numpy(planes.copy())[None])[0].numpy()
    difference = np.abs(net.floats(planes) - expected).max()
    print(f'largest difference of ncnn and torch: {difference:.1e}\n', flush=True)
    if not difference < 1e-4:
        raise SystemExit('the exported files and the checkpoint differ')


def speed(net):
    planes = np.random.default_rng(1).random((3, 1000, 1000), np.float32)
    net.floats(planes)
    times = []
    for _ in range(5):
        start = time.process_time()
        net.floats(planes)
        times.append(time.process_time() - start)
    print(f'{min(times):.2f} s of processor time per input megapixel, one thread\n', flush=True)


# (package, picture, top, left) in the picture halved; a picture whose licence (CC-BY-4.0) lets it be shown here
CROPS = [('lomiri-wallpapers-16.04', 'friends_by_Aitzol_Berasategi.jpg', 985, 540),
         ('lomiri-wallpapers-16.04', 'friends_by_Aitzol_Berasategi.jpg', 570, 280),
         ('lomiri-wallpapers-16.04', 'friends_by_Aitzol_Berasategi.jpg', 500, 420)]


def crops(folder, net, path, side=100, magnify=3):
    """Rows of nearest | bicubic | the net | the original, from held-out photographs halved first."""
    rows = []
    for package, name, y, x in CROPS:
        picture = even(pictures.reduce(pictures.load(pictures.locate(folder, package, name)), 2, 'lanczos'), net.scale)
        small = pictures.reduce(picture, net.scale)
        results = [resize(Image.Resampling.NEAREST, net.scale)(small), resize(Image.Resampling.BICUBIC, net.scale)(small),
                   net(small), picture]
        rows.append(np.concatenate([r[y:y + side, x:x + side] for r in results], 1).repeat(magnify, 0).repeat(magnify, 1))
    Image.fromarray(np.concatenate(rows, 0)).save(path, optimize=True)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('pictures')
    ask.add_argument('--scale', type=int, default=2, choices=(2, 3, 4))
    ask.add_argument('--model', help='folder of the net (default: models/photo-Sx)')
    ask.add_argument('--check')
    ask.add_argument('--crops')
    ask.add_argument('--kind', choices=['photograph', 'rendering'])
    args = ask.parse_args()
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', f'photo-{args.scale}x')
    net = Runtime(args.model or folder, args.scale)
    if args.check:
        check(args.pictures, net, args.check)
    speed(net)
    if args.crops:
        crops(args.pictures, net, args.crops)
    for kind in [args.kind] if args.kind else ['photograph', 'rendering']:
        for shrink in (1, 2) if kind == 'photograph' else (1,):
            print(f'Held-out {kind}s, {"own size" if shrink == 1 else "halved first"}:\n')
            table(measure(args.pictures, net, kind, shrink), args.scale)


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: MIT
"""Measures our nets, and other people's, through the command itself; prints the tables of docs/models.md.

evaluate.py TILEWRIGHT PICTURES [--judge NAME=FOLDER] [--part photo|restore] [--scale S] [--side 1024] [--csv FILE]

Every picture is cut to its middle (--side), which is the reference. It is reduced in 8 bits (photo: by the scale, with each
kernel), or encoded as JPEG (restore: as it is for 1x, reduced by 2 before for 2x), and given to each net. `tilewright
compare` measures result against reference, a border of 4 result pixels per unit of scale left out. Pictures: what no training
saw (photographs at their own size and halved first, renderings, drawings), and folders that only judge (--judge).
"""
import argparse
import csv
import functools
import glob
import itertools
import json
import os
import subprocess
import sys
import tempfile
import numpy as np
from PIL import Image
import drawings
import pictures
import tables

PACKS = {1: [], 2: ['realesr-animevideov3-x2', 'span-x2-ch48', 'realcugan-2x-se-conservative'],
         3: ['realesr-animevideov3-x3', 'realcugan-3x-se-conservative'],
         4: ['realesr-animevideov3-x4', 'span-x4-ch48', 'realcugan-4x-se-conservative', 'realesrgan-x4plus']}
FILTERS = {'bicubic': Image.Resampling.BICUBIC, 'Lanczos': Image.Resampling.LANCZOS}
QUALITIES = (30, 45, 60)
BESIDE = 'photographs, halved first'  # the set on which other people's nets are run, too


def middle(picture, side, multiple=24):
    height, width = (min(n, side) // multiple * multiple for n in picture.shape[:2])
    y, x = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[y:y + height, x:x + width])


def held_out(folder, side):
    """Yields (set, name, reference)."""
    for package, name, kind, held in pictures.split():
        if held:
            picture, name = pictures.load(pictures.locate(folder, package, name)), name.split('.')[0].split('_by_')[0]
            yield kind + 's', name, middle(picture, side)
            if kind == 'photograph':
                yield BESIDE, name, middle(pictures.reduce(picture, 2, 'lanczos'), side)
    for name, page in drawings.pages(folder, True):
        yield 'drawings', name, middle(page, side)


def judged(judges, side):
    for judge in judges:
        name, folder = judge.split('=', 1)
        for path in sorted(glob.glob(os.path.join(folder, '**', '*.*'), recursive=True)):
            if path.lower().endswith(('.png', '.jpg', '.jpeg')):
                with Image.open(path) as picture:
                    if picture.mode == 'RGB' and min(picture.size) >= 256:
                        yield name, os.path.basename(path).rsplit('.', 1)[0], middle(np.asarray(picture), side)


class Bench:
    def __init__(self, command, work):
        self.command, self.work, self.rows = command, work, []

    def run(self, *arguments):
        done = subprocess.run([self.command, *arguments], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'{" ".join(arguments)}: {done.stderr.strip()}')
        return json.loads(done.stdout.strip().splitlines()[-1])

    def path(self, name):
        return os.path.join(self.work, name)

    @functools.cache
    def packs(self, scale):
        return [m for m in PACKS[scale] if subprocess.run([self.command, 'models', 'info', m], capture_output=True).returncode == 0]

    def enlarge(self, method, scale, source):
        """What a net or a filter makes of source; seconds of the net alone and peak bytes of the process."""
        if method in FILTERS or method == 'input':
            small = Image.open(source).convert('RGB')
            size = small.width * scale, small.height * scale
            small.resize(size, FILTERS.get(method, Image.Resampling.BICUBIC)).save(self.path('result.png'), compress_level=1)
            return None, None
        choice = [] if method == 'the choice' else ['--model', method]
        said = self.run('upscale', source, self.path('result.png'), *choice, '--scale', str(scale), '--overwrite', '--quiet',
                        '--json', '--compression', '1')
        return said['compute_seconds'], said['peak_bytes']

    def measure(self, part, kind, name, damage, methods, scale, reference, source):
        Image.fromarray(reference).save(self.path('reference.png'), compress_level=1)
        small = np.asarray(Image.open(source).convert('RGB'), np.float64)
        for method in methods:
            seconds, peak = self.enlarge(method, scale, source)
            found = self.run('compare', self.path('reference.png'), self.path('result.png'), '--crop', str(4 * scale),
                             '--ssim-rgb', '--json')
            mean = np.asarray(Image.open(self.path('result.png')).convert('RGB'), np.float64).mean((0, 1))
            self.rows.append({
                'part': part, 'set': kind, 'picture': name, 'damage': damage, 'method': method, 'scale': scale,
                'psnr_luma': found['psnr_y'] or 99.0, 'psnr': found['psnr'] or 99.0, 'ssim': found['ssim'],
                'ssim_rgb': found['ssim_rgb'], 'shift': np.abs(small.mean((0, 1)) - mean).max(),
                'shift_from_original': np.abs(reference.mean((0, 1)) - mean).max(),
                'seconds_per_megapixel': seconds and seconds / (small.shape[0] * small.shape[1] / 1e6),
                'peak_mib': peak and peak / 2 ** 20})


def photo(bench, kind, name, reference, scales):
    for scale in scales:
        for kernel in pictures.KERNELS:
            source = bench.path('small.png')
            Image.fromarray(pictures.reduce(reference, scale, kernel)).save(source, compress_level=1)
            packs = bench.packs(scale) if kernel == 'bicubic' and kind == BESIDE else []
            bench.measure('photo', kind, name, kernel, [*FILTERS, f'photo-{scale}x', *packs], scale, reference, source)


def restore(bench, kind, name, reference, scales):
    for scale in scales:
        small = pictures.reduce(reference, scale) if scale > 1 else reference
        for quality in QUALITIES:
            source = bench.path('small.jpg')
            Image.fromarray(small).save(source, 'JPEG', quality=quality, subsampling=2)
            nets = [f'restore-{scale}x{strength}' for strength in ('-low', '', '-high')]
            beside = quality == 45 and scale == 2 and kind in (BESIDE, 'drawings')
            packs = ['photo-2x', *bench.packs(2)] if beside else []
            bench.measure('restore', kind, name, f'q{quality}', ['input', 'the choice', *nets, *packs], scale, reference, source)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('tilewright')
    ask.add_argument('pictures')
    ask.add_argument('--judge', action='append', default=[])
    ask.add_argument('--part', choices=['photo', 'restore'], action='append')
    ask.add_argument('--scale', type=int, action='append', choices=(1, 2, 3, 4))
    ask.add_argument('--side', type=int, default=1024)
    ask.add_argument('--csv')
    args = ask.parse_args()
    parts, scales = args.part or ['photo', 'restore'], args.scale or [1, 2, 3, 4]
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(args.tilewright, work)
        for kind, name, reference in itertools.chain(held_out(args.pictures, args.side), judged(args.judge, args.side)):
            if 'photo' in parts and kind != 'drawings':
                photo(bench, kind, name, reference, [s for s in scales if s > 1])
            if 'restore' in parts:
                restore(bench, kind, name, reference, [s for s in scales if s < 3])
            print(f'{kind}: {name}', file=sys.stderr, flush=True)
    if args.csv:
        with open(args.csv, 'w', newline='') as f:
            writer = csv.DictWriter(f, bench.rows[0].keys())
            writer.writeheader()
            writer.writerows(bench.rows)
    tables.show(bench.rows)


if __name__ == '__main__':
    main()

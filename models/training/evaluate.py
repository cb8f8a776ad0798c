# SPDX-License-Identifier: MIT
"""Measures our nets, and other people's, on held-out pictures through the command itself; prints the tables of docs/models.md.

evaluate.py TILEWRIGHT PICTURES [--part photo|restore] [--side 1536] [--scale S] [--csv FILE]

Every held-out picture is cut to its middle (--side), which is the reference. It is reduced in 8 bits (photo: by the scale,
with each kernel), or reduced by 2 and encoded as JPEG (restore), and given to each net. Reference and result are compared
by `tilewright compare` (PSNR of BT.601 luma and of RGB, SSIM of luma), a border of 4 result pixels per unit of scale left
out. Seconds are those of the net alone, peaks those of the process. The colour shift is the largest difference of the mean
colours of result and input: a net that invents no light keeps it near 0.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import numpy as np
from PIL import Image
import drawings
import pictures

PACKS = {2: ['realesr-animevideov3-x2', 'span-x2-ch48', 'realcugan-2x-se-conservative'],
         3: ['realesr-animevideov3-x3', 'realcugan-3x-se-conservative'],
         4: ['realesr-animevideov3-x4', 'span-x4-ch48', 'realcugan-4x-se-conservative', 'realesrgan-x4plus']}
FILTERS = {'bicubic': Image.Resampling.BICUBIC, 'Lanczos': Image.Resampling.LANCZOS}
QUALITIES = (30, 45, 60)


def middle(picture, side, multiple=12):
    height, width = (min(n, side) // multiple * multiple for n in picture.shape[:2])
    y, x = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[y:y + height, x:x + width])


def held_out_pictures(folder, side):
    """Yields (kind, name, reference)."""
    for package, name, kind, held_out in pictures.split():
        if held_out:
            picture = pictures.reduce(pictures.load(pictures.locate(folder, package, name)), 2, 'lanczos')
            yield kind, name.split('.')[0].split('_by_')[0], middle(picture, side)
    for name, page in drawings.pages(folder, True):
        yield 'drawing', name, middle(page, side)


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

    def has(self, model):
        return subprocess.run([self.command, 'models', 'info', model], capture_output=True).returncode == 0

    def enlarge(self, method, scale, source):
        """What a net or a filter makes of source.png; seconds and bytes of a net."""
        if method in FILTERS or method == 'input':
            small = Image.open(source).convert('RGB')
            size = small.width * scale, small.height * scale
            small.resize(size, FILTERS.get(method, Image.Resampling.BICUBIC)).save(self.path('result.png'), compress_level=1)
            return None, None
        said = self.run('upscale', source, self.path('result.png'), '--model', method, '--overwrite', '--quiet', '--json',
                        '--compression', '1')
        return said['compute_seconds'], said['peak_bytes']

    def measure(self, part, kind, name, damage, method, scale, reference, source):
        Image.fromarray(reference).save(self.path('reference.png'), compress_level=1)
        seconds, peak = self.enlarge(method, scale, source)
        found = self.run('compare', self.path('reference.png'), self.path('result.png'), '--crop', str(4 * scale), '--json')
        small, large = (np.asarray(Image.open(p).convert('RGB'), np.float64) for p in (source, self.path('result.png')))
        shift = np.abs(small.mean((0, 1)) - large.mean((0, 1))).max()
        megapixels = small.shape[0] * small.shape[1] / 1e6
        row = {'part': part, 'kind': kind, 'picture': name, 'damage': damage, 'method': method, 'scale': scale,
               'psnr_luma': found['psnr_y'] or 99.0, 'psnr': found['psnr'] or 99.0, 'ssim': found['ssim'], 'shift': shift,
               'seconds_per_megapixel': seconds and seconds / megapixels, 'peak_mib': peak and peak / 2 ** 20}
        self.rows.append(row)
        return row


def photo(bench, folder, side, scales):
    for kind, name, reference in held_out_pictures(folder, side):
        if kind == 'drawing':
            continue
        for scale in scales:
            for kernel in pictures.KERNELS:
                source = bench.path('small.png')
                Image.fromarray(pictures.reduce(reference, scale, kernel)).save(source, compress_level=1)
                methods = [*FILTERS, f'photo-{scale}x']
                if kernel == 'bicubic' and kind == 'photograph':
                    methods += [m for m in PACKS[scale] if bench.has(m)]
                for method in methods:
                    bench.measure('photo', kind, name, kernel, method, scale, reference, source)
            print(f'{kind} {name} {scale}x', file=sys.stderr, flush=True)


def restore(bench, folder, side):
    for kind, name, reference in held_out_pictures(folder, side):
        if kind == 'rendering':
            continue
        small = pictures.reduce(reference, 2)
        for quality in QUALITIES:
            source = bench.path('small.jpg')
            Image.fromarray(small).save(source, 'JPEG', quality=quality, subsampling=2)
            for scale, target in ((1, small), (2, reference)):
                methods = ['input', f'restore-{scale}x', f'restore-{scale}x-low', f'restore-{scale}x-high']
                methods += ['photo-2x', *[m for m in PACKS[2] if bench.has(m)]] if scale == 2 else []
                for method in methods:
                    bench.measure('restore', kind, name, f'q{quality}', method, scale, target, source)
        print(f'{kind} {name}', file=sys.stderr, flush=True)


def mean(rows, key):
    values = [r[key] for r in rows if r[key] is not None]
    return sum(values) / len(values) if values else None


def cell(value, form):
    return '' if value is None else format(value, form)


def tables(rows, base):
    """One table per part, kind, scale and damage: means over pictures, and the least gain over `base`."""
    groups = {}
    for r in rows:
        groups.setdefault((r['part'], r['kind'], r['scale'], r['damage']), []).append(r)
    for (part, kind, scale, damage), group in groups.items():
        plain = {r['picture']: r['psnr_luma'] for r in group if r['method'] == base}
        print(f'\n{part} {scale}x, {kind}s, {damage}, {len(plain)} pictures:\n')
        print(f'| net | luma dB | over {base} | least | RGB dB | SSIM | shift /255 | s per MP in | peak MiB |')
        print('|---|---|---|---|---|---|---|---|---|')
        for method in dict.fromkeys(r['method'] for r in group):
            own = [r for r in group if r['method'] == method]
            gains = [r['psnr_luma'] - plain[r['picture']] for r in own]
            print(f'| {method} | {mean(own, "psnr_luma"):.2f} | {sum(gains) / len(gains):+.2f} | {min(gains):+.2f} '
                  f'| {mean(own, "psnr"):.2f} | {mean(own, "ssim"):.4f} | {max(r["shift"] for r in own):.2f} '
                  f'| {cell(mean(own, "seconds_per_megapixel"), ".2f")} | {cell(mean(own, "peak_mib"), ".0f")} |', flush=True)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('tilewright')
    ask.add_argument('pictures')
    ask.add_argument('--part', choices=['photo', 'restore'], action='append')
    ask.add_argument('--scale', type=int, action='append', choices=(2, 3, 4))
    ask.add_argument('--side', type=int, default=1536)
    ask.add_argument('--csv')
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(args.tilewright, work)
        if 'photo' in (args.part or ['photo']):
            photo(bench, args.pictures, args.side, args.scale or (2, 3, 4))
        if 'restore' in (args.part or ['restore']):
            restore(bench, args.pictures, args.side)
    tables([r for r in bench.rows if r['part'] == 'photo'], 'bicubic')
    tables([r for r in bench.rows if r['part'] == 'restore'], 'input')
    if args.csv:
        with open(args.csv, 'w', newline='') as f:
            writer = csv.DictWriter(f, bench.rows[0].keys())
            writer.writeheader()
            writer.writerows(bench.rows)


if __name__ == '__main__':
    main()

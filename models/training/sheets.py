# SPDX-License-Identifier: MIT
"""Draws models/*/crops.png, places of held-out pictures side by side: sheets.py TILEWRIGHT PICTURES [NET ...]

Photo nets: nearest, bicubic, the net, the original, of a photograph halved first. Restore: the JPEG, restore-1x, bicubic of the
JPEG, restore-2x, the original; what has the input's size is shown at twice its size.
"""
import argparse
import os
import subprocess
import tempfile
import numpy as np
from PIL import Image
import drawings
import pictures

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
# "friends" by Aitzol Berasategi, whose licence (CC-BY-4.0) lets it be shown here: corners in the picture halved
PHOTOGRAPH = 'lomiri-wallpapers-16.04', 'friends_by_Aitzol_Berasategi.jpg'
PLACES = [(985, 540), (570, 280), (500, 420)]
DAMAGED = [('photograph', 40, 985, 540), ('photograph', 30, 500, 420), (3, 40, 260, 360), (7, 60, 150, 150)]  # or a held-out page
SIDE = 128


def even(picture, multiple):
    height, width = (n // multiple * multiple for n in picture.shape[:2])
    return np.ascontiguousarray(picture[:height, :width])


class Sheets:
    def __init__(self, command, folder, work):
        self.command, self.work = command, work
        self.photograph = pictures.reduce(pictures.load(pictures.locate(folder, *PHOTOGRAPH)), 2, 'lanczos')
        self.pages = [page for _, page in drawings.pages(folder, True)]

    def net(self, model, source, scale):
        result = os.path.join(self.work, 'result.png')
        subprocess.run([self.command, 'upscale', source, result, '--model', model, '--scale', str(scale), '--overwrite', '--quiet'],
                       check=True)
        return np.asarray(Image.open(result).convert('RGB'))

    def save(self, name, rows, magnify):
        sheet = np.concatenate([np.concatenate(row, 1) for row in rows], 0).repeat(magnify, 0).repeat(magnify, 1)
        Image.fromarray(sheet).save(os.path.join(MODELS, name, 'crops.png'), optimize=True)

    def photo(self, scale):
        picture, source, rows = even(self.photograph, 12), os.path.join(self.work, 'small.png'), []
        small = Image.fromarray(pictures.reduce(picture, scale))
        small.save(source)
        size = picture.shape[1], picture.shape[0]
        results = [*(np.asarray(small.resize(size, k)) for k in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC)),
                   self.net(f'photo-{scale}x', source, scale), picture]
        for y, x in PLACES:
            rows.append([r[y:y + SIDE, x:x + SIDE] for r in results])
        self.save(f'photo-{scale}x', rows, 2)

    def restore(self):
        rows, source = [], os.path.join(self.work, 'small.jpg')
        for which, quality, y, x in DAMAGED:
            picture = even(self.photograph if which == 'photograph' else self.pages[which], 4)
            small = Image.fromarray(pictures.reduce(picture, 2))
            small.save(source, 'JPEG', quality=quality, subsampling=2)
            damaged = Image.open(source).convert('RGB')
            size = picture.shape[1], picture.shape[0]
            twice = [np.asarray(damaged), self.net('restore-1x', source, 1)]
            results = [*(t.repeat(2, 0).repeat(2, 1) for t in twice), np.asarray(damaged.resize(size, Image.Resampling.BICUBIC)),
                       self.net('restore-2x', source, 2), picture]
            y, x = min(y, size[1] - SIDE) & ~1, min(x, size[0] - SIDE) & ~1
            rows.append([r[y:y + SIDE, x:x + SIDE] for r in results])
        self.save('restore', rows, 2)


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument('tilewright')
    ask.add_argument('pictures')
    ask.add_argument('nets', nargs='*', default=['photo-2x', 'photo-3x', 'photo-4x', 'restore'])
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as work:
        sheets = Sheets(os.path.abspath(args.tilewright), args.pictures, work)
        for net in args.nets:
            sheets.restore() if net == 'restore' else sheets.photo(int(net[6]))


if __name__ == '__main__':
    main()

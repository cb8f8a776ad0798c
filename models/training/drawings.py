# SPDX-License-Identifier: MIT
"""Pages as drawings are made of: ink lines, hatching, screentones, flat colours and text. Rendered by us, three times too
large and then averaged down, so that edges are as soft as a scanner's or a drawing program's.

Every fourth page is held out, beginning with the first. Fonts come from packages of Debian 12 (drawings.py FOLDER fetches
them) and only their shapes end up in the pictures.
"""
import glob
import math
import os
import random
import subprocess
import sys
import numpy as np
from PIL import Image, ImageDraw, ImageFont
import pictures

SEED, PAGES, SIDE, FINE = 20261122, 40, 768, 3
FONT_PACKAGES = ['fonts-dejavu-core', 'fonts-takao-gothic']
WORDS = ('the', 'night', 'was', 'longer', 'than', 'we', 'had', 'thought', 'and', 'nobody', 'came', 'WHAT?', 'No!', 'run', '...',
         'morning', 'river', 'bridge', '1934', 'who', 'is', 'there', 'listen', 'STOP', 'quietly', 'page', 'lamp', 'Hm.')
KANA = 'あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん夜川橋朝人大小山水火'


def fetch(folder):
    for package in FONT_PACKAGES:
        target = os.path.join(folder, package)
        if not os.path.isdir(target):
            subprocess.run(['apt-get', 'download', package], cwd=folder, check=True)
            subprocess.run(['dpkg-deb', '-x', glob.glob(os.path.join(folder, package + '_*.deb'))[0], target], check=True)


def fonts(folder):
    found = [sorted(glob.glob(os.path.join(folder, package, '**', '*.ttf'), recursive=True)) for package in FONT_PACKAGES]
    assert all(found), 'fonts are missing: drawings.py FOLDER fetches them'
    return found


def curve(rng, side):
    """A cubic from somewhere to somewhere."""
    p = [(rng.uniform(-0.1, 1.1) * side, rng.uniform(-0.1, 1.1) * side) for _ in range(4)]
    for i in range(41):
        t = i / 40
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3)
        yield tuple(sum(w * q[k] for w, q in zip(weights, p)) for k in (0, 1))


def tone(rng, side):
    """A screentone: dots or lines whose size follows a gradient; 1 where ink is."""
    pitch, angle = FINE * rng.uniform(3.5, 9), math.radians(rng.choice((0, 15, 30, 45, 45, 60, 75)))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    u, v = (x * math.cos(angle) + y * math.sin(angle)) / pitch, (y * math.cos(angle) - x * math.sin(angle)) / pitch
    a, b = rng.uniform(0.05, 0.75), rng.uniform(0.05, 0.75)
    level = a + (b - a) * (x * math.cos(2 * angle + 1) + y * math.sin(2 * angle + 1)) / (1.5 * side)
    if rng.random() < 0.2:
        return np.abs(u - np.round(u)) < level.clip(0, 1) / 2
    return (u - np.round(u)) ** 2 + (v - np.round(v)) ** 2 < level.clip(0, 1) / math.pi * 1.2


def outline(rng, side):
    """A closed shape."""
    cx, cy, r = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0.08, 0.35) * side
    n, wild = rng.choice((4, 5, 7, 40)), rng.uniform(0, 0.5)
    return [(cx + r * rng.uniform(1 - wild, 1) * math.cos(2 * math.pi * i / n),
             cy + r * rng.uniform(1 - wild, 1) * math.sin(2 * math.pi * i / n)) for i in range(n)]


def text(rng, draw, side, faces):
    latin, kana = faces
    size = FINE * rng.randrange(9, 34)
    japanese = rng.random() < 0.4
    font = ImageFont.truetype(rng.choice(kana if japanese else latin), size)
    lines = [''.join(rng.choice(KANA) for _ in range(rng.randrange(3, 12))) if japanese
             else ' '.join(rng.choice(WORDS) for _ in range(rng.randrange(1, 6))) for _ in range(rng.randrange(1, 6))]
    at, content = (rng.uniform(0, 0.8) * side, rng.uniform(0, 0.9) * side), '\n'.join(lines)
    if rng.random() < 0.6:
        x0, y0, x1, y1 = draw.multiline_textbbox(at, content, font=font)
        draw.ellipse((x0 - size, y0 - size, x1 + size, y1 + size), fill='white', outline='black', width=rng.randrange(2, 9))
    draw.multiline_text(at, content, font=font, fill='black' if rng.random() < 0.9 else 'white')


def render(index, faces):
    """Page `index` as RGB8."""
    rng = random.Random(SEED * 1000 + index)
    side, coloured = SIDE * FINE, index % 3 == 2
    paper = tuple(rng.randrange(225, 256) for _ in range(3)) if coloured else (255, 255, 255)
    page = Image.new('RGB', (side, side), paper)
    draw = ImageDraw.Draw(page)
    for _ in range(rng.randrange(3, 8)):
        shape = Image.new('1', (side, side))
        points = outline(rng, side)
        ImageDraw.Draw(shape).polygon(points, fill=1)
        kind = rng.random()
        if kind < 0.55:
            ink = Image.fromarray(np.asarray(shape) & tone(rng, side))
            colour = tuple(rng.randrange(0, 160) for _ in range(3)) if coloured else (rng.randrange(0, 60),) * 3
            page.paste(colour, mask=ink)
        elif kind < 0.85:
            grey = rng.randrange(0, 256)
            page.paste(tuple(rng.randrange(0, 256) for _ in range(3)) if coloured else (grey,) * 3, mask=shape)
        else:
            for i in range(0, side, FINE * rng.randrange(3, 10)):
                hatch = Image.new('1', (side, side))
                ImageDraw.Draw(hatch).line((i - side // 2, 0, i + side // 2, side), fill=1, width=rng.randrange(1, 2 * FINE))
                page.paste((0, 0, 0), mask=Image.fromarray(np.asarray(hatch) & np.asarray(shape)))
        draw.line(points + points[:1], fill='black', width=rng.randrange(2, 5 * FINE), joint='curve')
    for _ in range(rng.randrange(10, 50)):
        draw.line(list(curve(rng, side)), fill='black', width=rng.randrange(1, 4 * FINE), joint='curve')
    for _ in range(rng.randrange(3, 9)):
        text(rng, draw, side, faces)
    return np.asarray(page.reduce(FINE))


def pages(folder, held_out):
    """Yields (name, page) of the training pages, or of those held out."""
    faces = None
    for i in range(PAGES):
        if (i % 4 == 0) != held_out:
            continue

        def make(i=i):
            nonlocal faces
            faces = faces or fonts(folder)
            return render(i, faces)
        yield f'page {i}', pictures.cached(folder, f'drawing-{i}', make)


if __name__ == '__main__':
    fetch(sys.argv[1])

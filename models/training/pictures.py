# SPDX-License-Identifier: MIT
"""The pictures: where they come from, which are held out, and their decoded and reduced copies in a cache.

Everything comes from packages of Debian 12. Usage: pictures.py FOLDER fetches and unpacks the packages into FOLDER
(apt-get and dpkg-deb; nothing is installed); training and evaluation then read FOLDER and keep decoded copies there.

The rule of the split, fixed before any training: per package and kind, file names are sorted as bytes and every fourth
is held out, beginning with the first. One file stands for one picture: of a wallpaper that comes in several sizes only
the largest is used.
"""
import glob
import os
import re
import subprocess
import sys
import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
PACKAGES = ['plasma-workspace-wallpapers', 'gnome-backgrounds', 'ukui-wallpapers', 'lomiri-wallpapers-16.04',
            'lomiri-wallpapers-20.04']
# Photographs teach and judge. Renderings (smooth, saturated) teach a little and are judged apart.
PHOTOGRAPHS = {
    'plasma-workspace-wallpapers': ['BytheWater', 'ColdRipple', 'ColorfulCups', 'DarkestHour', 'EveningGlow',
                                    'FallenLeaf', 'Grey', 'Kite', 'OneStandsOut', 'Path', 'summer_1am'],
    'lomiri-wallpapers-16.04': ['Bridge_by_Sander_Klootwijk.jpg', 'Dragonfly_by_Bolly.jpg',
                                'Picture_0B_by_freespace.jpg', 'Picture_1A_by_freespace.jpg',
                                'Wine_by_Jakkub_Mede.jpg', 'aitzgorri_by_Aitzol_Berasategi.jpg',
                                'analogpattern_by_Peter_Nerlich.jpg', 'free_by_Peter_Nerlich.jpg',
                                'friends_by_Aitzol_Berasategi.jpg', 'greentock_by_Peter_Nerlich.jpg',
                                'life_by_Aitzol_Berasategi.jpg', 'picosdeeuropa_by_Aitzol_Berasategi.jpg',
                                'seeding_by_Clements_Engelhardt.jpg', 'sunset_by_Aitzol_Berasategi.jpg'],
    'lomiri-wallpapers-20.04': ['Infinite-Sea_by_Aury88.jpg', 'Kleiber_by_Lukas_Baubkus.jpg'],
}
RENDERINGS = {
    'plasma-workspace-wallpapers': ['Elarun', 'FlyingKonqui', 'Honeywave', 'IceCold', 'Kokkini', 'PastelHills',
                                    'Shell', 'Volna'],
    'gnome-backgrounds': ['adwaita-l.webp', 'grid-l.webp', 'licorice-l.webp', 'pixels-l.webp', 'wood-l.webp'],
    'ukui-wallpapers': ['2004default.jpg', 'calla.png', 'fluent-color.png', 'goldfish.png', 'rhythm.jpg', 'string.jpg',
                        'the-mouse.jpg'],
    'lomiri-wallpapers-16.04': ['umang_by_Abhishek_Mudgal.jpg'],
    'lomiri-wallpapers-20.04': ['Fossa_by_Jasper_Roks.jpg', 'Painting-Colors_by__herobrine7gamer.jpg'],
}
KERNELS = {'bicubic': Image.Resampling.BICUBIC, 'area': None, 'lanczos': Image.Resampling.LANCZOS}


def fetch(folder):
    os.makedirs(folder, exist_ok=True)
    for package in PACKAGES:
        target = os.path.join(folder, package)
        if os.path.isdir(target):
            continue
        subprocess.run(['apt-get', 'download', package], cwd=folder, check=True)
        deb = glob.glob(os.path.join(folder, package + '_*.deb'))[0]
        subprocess.run(['dpkg-deb', '-x', deb, target], check=True)


def locate(folder, package, name):
    """The file of a picture; for a wallpaper that is a folder of sizes, its largest."""
    if package != 'plasma-workspace-wallpapers':
        found = glob.glob(os.path.join(folder, package, 'usr/share/backgrounds/**', name), recursive=True)
        return found[0]
    sizes = {}
    for path in glob.glob(os.path.join(folder, package, 'usr/share/wallpapers', name, 'contents/images/*')):
        size = re.fullmatch(r'(\d+)x(\d+)\.(png|jpg)', os.path.basename(path))
        if size:
            sizes[int(size[1]) * int(size[2])] = path
    return sizes[max(sizes)]


def split():
    """Yields (package, name, kind, held_out)."""
    for kind, table in (('photograph', PHOTOGRAPHS), ('rendering', RENDERINGS)):
        for package, names in table.items():
            for i, name in enumerate(sorted(names, key=os.fsencode)):
                yield package, name, kind, i % 4 == 0


def load(path):
    """The picture as RGB8, cut to even size."""
    picture = np.asarray(Image.open(path).convert('RGB'))
    height, width = picture.shape[0] & ~1, picture.shape[1] & ~1
    return np.ascontiguousarray(picture[:height, :width])


def reduce(picture, factor=2, kernel='bicubic'):
    """Reduced in 8 bits as picture editors do it: the kernel widened by the factor, the result rounded to 8 bits. Means of pixels
    often end in a half: those round to even, because Pillow's box, which rounds them up on either axis, makes pictures lighter."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    picture = picture[:height * factor, :width * factor]
    if kernel == 'area':
        sums = sum(picture[y::factor, x::factor].astype(np.uint32) for y in range(factor) for x in range(factor))
        return np.rint(sums / factor ** 2).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(picture.resize((width, height), KERNELS[kernel]))


def cached(folder, key, make):
    path = os.path.join(folder, 'decoded', key + '.npy')
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        np.save(path + '.part.npy', make())
        os.replace(path + '.part.npy', path)
    return np.load(path, mmap_mode='r')


def training_pairs(folder, factor=2):
    """Yields (name, kind, shrink, large, {kernel: small}) of every training picture, at its own size and at smaller ones,
    where photographs are sharper and their compression no longer shows."""
    for package, name, kind, held_out in split():
        if held_out:
            continue
        for shrink in (1, 2, 3):
            def large():
                picture = load(locate(folder, package, name))
                if shrink > 1:
                    picture = reduce(picture, shrink, 'lanczos' if shrink == 2 else 'area')
                    picture = picture[:picture.shape[0] & ~1, :picture.shape[1] & ~1]
                return picture
            key = f'{package}-{name}-{shrink}'
            picture = cached(folder, key, large)
            yield name, kind, shrink, picture, {
                kernel: cached(folder, f'{key}-{kernel}-{factor}', lambda: reduce(picture, factor, kernel))
                for kernel in KERNELS}


if __name__ == '__main__':
    fetch(sys.argv[1])
    for row in split():
        print(*row, locate(sys.argv[1], row[0], row[1]), sep='\t')

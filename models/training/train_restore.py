# SPDX-License-Identifier: MIT
"""Trains the restore nets on a CPU: train_restore.py PICTURES WORK [--steps N] [--minutes M]

PICTURES is the folder that pictures.py and drawings.py filled. WORK takes checkpoints (last.pt, best.pt); a run that was
stopped goes on from the last. When done, or with --export-only, the best weights are written as six nets: restore-1x and
restore-2x, each for low, medium and high strength (medium bears the plain name).

What is damaged is a picture reduced by 2: noise, then one or two JPEG encodings whose grid lies anywhere. The 1x head is
to give the reduced picture back, the 2x head the picture itself. As for the photo nets, the right eighth of every
training picture only chooses the checkpoint, and held-out pictures are not opened.
"""
import argparse
import copy
import io
import math
import os
import random
import time
import numpy as np
import torch
from PIL import Image
import drawings
import pictures
import restore
from train_photo import luma, pick, psnr, tensor

SEED = 20261123
BATCH, CROP = 16, 64                       # crops per step and their side before enlargement
RATE, LAST_RATE, WARM_UP = 1.2e-3, 2e-6, 300
EMA = 0.999
FINE_FROM = 0.9                            # share of the training after which all is float32
KIND_SHARE = {'photograph': 0.5, 'rendering': 0.1, 'drawing': 0.4}
SHRINK_SHARE = {1: 0.2, 2: 0.45, 3: 0.35}
DAMAGE = ((60, 92, 2.0), (30, 75, 5.0), (10, 45, 12.0))  # per strength: JPEG quality from, to, and noise at most
EDGE = 12                                  # pixels whose result depends on the padding


def encoded(crop, quality, coarse):
    file = io.BytesIO()
    Image.fromarray(crop).save(file, 'JPEG', quality=quality, subsampling=2 if coarse else 0)
    return np.asarray(Image.open(file).convert('RGB'))


def damaged(crop, rng, strength):
    """A crop of CROP + 8, damaged; and where in it the CROP lies, so that the grid of the JPEG is anywhere."""
    low, high, noise = DAMAGE[strength]
    if rng.random() < 0.5:
        sigma, grey = rng.uniform(0, noise), rng.random() < 0.5
        shape = crop.shape[:2] + (1 if grey else 3,)
        grain = np.random.default_rng(rng.randrange(1 << 62)).normal(0, sigma, shape)
        crop = (crop + grain + 0.5).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.06:                # noise alone
        return crop, rng.randrange(8), rng.randrange(8)
    coarse = rng.random() < 0.6
    if rng.random() < 0.15:                # encoded once before, elsewhere
        dy, dx = rng.randrange(8), rng.randrange(8)
        crop = np.pad(crop, ((dy, 0), (dx, 0), (0, 0)), 'edge')
        crop = encoded(crop, rng.randrange(max(low, 50), 96), coarse)[dy:, dx:]
    return encoded(np.ascontiguousarray(crop), rng.randrange(low, high + 1), coarse), rng.randrange(8), rng.randrange(8)


class Crops:
    def __init__(self, folder):
        self.sets = {}
        for name, kind, shrink, large, small in pictures.training_pairs(folder):
            self.sets.setdefault((kind, shrink), []).append((large, small))
        for name, page in drawings.pages(folder, False):
            small = {k: pictures.cached(folder, f'{name}-{k}', lambda: pictures.reduce(page, 2, k)) for k in pictures.KERNELS}
            self.sets.setdefault(('drawing', 1), []).append((page, small))

    def batch(self, rng):
        bad, smalls, larges, strengths = [], [], [], []
        for _ in range(BATCH):
            kind = pick(rng, KIND_SHARE)
            large, small = rng.choice(self.sets[kind, 1 if kind == 'drawing' else pick(rng, SHRINK_SHARE)])
            small = small[rng.choice(list(pictures.KERNELS))]
            height, width, side, best = small.shape[0], small.shape[1] * 7 // 8, CROP + 8, -1.0
            for _ in range(3 if rng.random() < 0.6 else 1):  # of a few places the busiest
                y, x = rng.randrange(height - side), rng.randrange(width - side)
                green = small[y:y + side, x:x + side, 1].astype(np.int16)
                busy = np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean()
                if busy > best:
                    best, at = busy, (y, x)
            y, x = at
            crop, big = small[y:y + side, x:x + side], large[2 * y:2 * (y + side), 2 * x:2 * (x + side)]
            if rng.random() < 0.5:
                crop, big = crop[:, ::-1], big[:, ::-1]
            if rng.random() < 0.5:
                crop, big = crop.transpose(1, 0, 2), big.transpose(1, 0, 2)
            if kind != 'drawing' and rng.random() < 0.3:
                order = rng.sample(range(3), 3)
                crop, big = crop[..., order], big[..., order]
            strength = rng.randrange(3)
            worse, y, x = damaged(np.ascontiguousarray(crop), rng, strength)
            bad.append(worse[y:y + CROP, x:x + CROP])
            smalls.append(crop[y:y + CROP, x:x + CROP])
            larges.append(big[2 * y:2 * (y + CROP), 2 * x:2 * (x + CROP)])
            strengths.append(strength)
        return tensor(np.stack(bad)), {1: tensor(np.stack(smalls)), 2: tensor(np.stack(larges))}, torch.tensor(strengths)

    def validation(self):
        """Fixed crops from the right eighth: (kind, damaged, {scale: target}), qualities 30 to 60 by turns."""
        rng, side, turn = random.Random(SEED + 1), 96, 0
        for (kind, shrink), rows in self.sets.items():
            for large, small in rows if shrink == (1 if kind == 'drawing' else 2) else []:
                small = small['bicubic']
                left = min(small.shape[1] * 7 // 8, small.shape[1] - side)
                y, x = rng.randrange(small.shape[0] - side + 1), rng.randrange(left, small.shape[1] - side + 1)
                crop = np.ascontiguousarray(small[y:y + side, x:x + side])
                turn += 1
                yield (kind, tensor(encoded(crop, (30, 40, 50, 60)[turn % 4], True)[None]),
                       {1: tensor(crop[None]), 2: tensor(large[None, 2 * y:2 * (y + side), 2 * x:2 * (x + side)])})


@torch.no_grad()
def validate(net, crops):
    """Mean and least gain over the damaged input, or its bicubic enlargement (dB, luma), per kind and scale."""
    gains = {}
    for scale in restore.SCALES:
        plain = restore.rounded(net, scale, restore.STRENGTHS.index('medium'))
        for kind, bad, targets in crops:
            better = psnr(plain(bad), targets[scale], 12) - psnr(restore.base(bad, scale), targets[scale], 12)
            gains.setdefault((kind, scale), []).append(better)
    return {key: (sum(g) / len(g), min(g)) for key, g in gains.items()}


def score_of(gains):
    return sum(mean + 0.1 * min(0.0, least) for mean, least in gains.values())


def export_all(net, folder):
    for scale in restore.SCALES:
        for i, strength in enumerate(restore.STRENGTHS):
            name = f'restore-{scale}x' + ('' if strength == 'medium' else '-' + strength)
            restore.export(net, scale, i, os.path.join(folder, name + '.param'), os.path.join(folder, name + '.bin'))


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('pictures')
    ask.add_argument('work')
    ask.add_argument('--steps', type=int, default=30000)
    ask.add_argument('--minutes', type=float, default=1e9, help='cosine decay ends by then even if steps are left')
    ask.add_argument('--every', type=int, default=500, help='steps between validations')
    ask.add_argument('--rate', type=float, default=RATE)
    ask.add_argument('--threads', type=int, default=2)
    ask.add_argument('--export-only', action='store_true')
    ask.add_argument('--output', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'restore'))
    args = ask.parse_args()
    os.makedirs(args.work, exist_ok=True)
    os.makedirs(args.output, exist_ok=True)
    last_path, best_path = os.path.join(args.work, 'last.pt'), os.path.join(args.work, 'best.pt')
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    net = restore.Restore()
    if args.export_only:
        net.load_state_dict(torch.load(best_path)['net'])
        export_all(net, args.output)
        return
    slow = copy.deepcopy(net).requires_grad_(False)
    adam = torch.optim.Adam(net.parameters(), lr=args.rate, betas=(0.9, 0.99), foreach=True)
    step, spent, best = 0, 0.0, -1e9
    if os.path.exists(last_path):
        saved = torch.load(last_path)
        net.load_state_dict(saved['net'])
        slow.load_state_dict(saved['slow'])
        adam.load_state_dict(saved['adam'])
        step, spent, best = saved['step'], saved['spent'], saved['best']
    crops = Crops(args.pictures)
    held = list(crops.validation())
    print(f'{[restore.weight_count(s) for s in restore.SCALES]} weights, {len(held)} validation crops, from step {step}',
          flush=True)
    inside = {}
    for scale in restore.SCALES:
        side, edge = scale * CROP, scale * EDGE
        inside[scale] = torch.full((1, 1, side, side), 0.1)
        inside[scale][..., edge:-edge, edge:-edge] = 1.0
        inside[scale] /= inside[scale].mean()
    sums = 0.0
    while True:
        began = time.monotonic()
        progress = max(step / args.steps, spent / 60 / args.minutes)
        if progress >= 1:
            break
        rate = LAST_RATE + (args.rate - LAST_RATE) * (1 + math.cos(math.pi * progress)) / 2
        for group in adam.param_groups:
            group['lr'] = rate * min(1.0, (step + 1) / WARM_UP)
        bad, targets, strengths = crops.batch(random.Random(SEED * 1000003 + step))
        adam.zero_grad(set_to_none=True)
        found = net.residuals(bad, strengths, torch.float32 if progress > FINE_FROM else torch.bfloat16)
        loss = 0.0
        for scale, answer in zip(restore.SCALES, found):
            with torch.no_grad():
                missing = targets[scale] - restore.base(bad, scale)
                weight = 1 / (missing.abs().mean((1, 2, 3), keepdim=True) + 0.003).sqrt() * inside[scale] / 8
            error = answer - missing
            loss = loss + ((error ** 2 + 1e-6).sqrt() * weight).mean() + ((luma(error) ** 2 + 1e-6).sqrt() * weight).mean()
        loss.backward()
        adam.step()
        sums += float(loss.detach())
        step += 1
        spent += min(time.monotonic() - began, 3.0)  # a machine that slept in between has not trained
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(slow.parameters()), list(net.parameters()), 1 - keep)
        if step % args.every == 0 or spent / 60 > args.minutes or step == args.steps:
            gains = validate(slow, held)
            print(f'{step} {spent / 60:.1f} min rate {rate:.2e} loss {sums / args.every:.5f} ' + ' '.join(
                f'{kind} {scale}x {mean:+.3f} (least {least:+.3f})' for (kind, scale), (mean, least) in gains.items()), flush=True)
            sums = 0.0
            if score_of(gains) > best:
                best = score_of(gains)
                torch.save({'net': slow.state_dict(), 'step': step, 'gains': gains}, best_path + '.part')
                os.replace(best_path + '.part', best_path)
            torch.save({'net': net.state_dict(), 'slow': slow.state_dict(), 'adam': adam.state_dict(), 'step': step,
                        'spent': spent, 'best': best}, last_path + '.part')
            os.replace(last_path + '.part', last_path)
    net.load_state_dict(torch.load(best_path)['net'])
    export_all(net, args.output)


if __name__ == '__main__':
    main()

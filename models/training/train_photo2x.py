# SPDX-License-Identifier: MIT
"""Trains photo-2x on a CPU: train_photo2x.py PICTURES WORK [--steps N] [--minutes M]

PICTURES is the folder that pictures.py filled. WORK takes checkpoints (last.pt, best.pt); a run that was stopped goes
on from the last. When done, or with --export-only, the best weights are written as photo-2x.param and photo-2x.bin.

The right eighth of every training picture is never trained on: crops from it choose the checkpoint. Held-out pictures
are not opened here.
"""
import argparse
import copy
import math
import os
import random
import time
import numpy as np
import torch
import photo2x
import pictures

SEED = 20261121
BATCH, CROP = 16, 48                       # crops per step and their side before enlargement
RATE, LAST_RATE, WARM_UP = 1.2e-3, 2e-6, 300
EMA = 0.999
FINE_FROM = 0.9                            # share of the training after which all is float32
KIND_SHARE = {'photograph': 0.8, 'rendering': 0.2}
SHRINK_SHARE = {1: 0.45, 2: 0.35, 3: 0.2}
KERNEL_SHARE = {'bicubic': 0.6, 'area': 0.2, 'lanczos': 0.2}
EDGE = 5                                   # pixels whose result depends on the padding
LUMA = torch.tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1) / 255


def pick(rng, shares):
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def tensor(pictures8):
    """RGB8 pictures as planes of 0 to 1."""
    return torch.from_numpy(np.array(pictures8)).permute(0, 3, 1, 2).float() / 255


class Crops:
    def __init__(self, folder):
        self.sets = {}
        for name, kind, shrink, large, small in pictures.training_pairs(folder):
            self.sets.setdefault((kind, shrink), []).append((name, large, small))

    def batch(self, rng):
        smalls, larges = [], []
        for _ in range(BATCH):
            _, large, small = rng.choice(self.sets[pick(rng, KIND_SHARE), pick(rng, SHRINK_SHARE)])
            small = small[pick(rng, KERNEL_SHARE)]
            height, width = small.shape[0], small.shape[1] * 7 // 8
            best = -1.0
            # Skies are most of many photographs: of a few places the busiest is taken more often than not.
            for _ in range(4 if rng.random() < 0.6 else 1):
                y, x = rng.randrange(height - CROP), rng.randrange(width - CROP)
                green = small[y:y + CROP, x:x + CROP, 1].astype(np.int16)
                busy = np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean()
                if busy > best:
                    best, at = busy, (y, x)
            y, x = at
            smalls.append(small[y:y + CROP, x:x + CROP])
            larges.append(large[2 * y:2 * (y + CROP), 2 * x:2 * (x + CROP)])
        small, large = tensor(np.stack(smalls)), tensor(np.stack(larges))
        if rng.random() < 0.5:
            small, large = small.flip(2), large.flip(2)
        if rng.random() < 0.5:
            small, large = small.flip(3), large.flip(3)
        if rng.random() < 0.5:
            small, large = small.transpose(2, 3), large.transpose(2, 3)
        if rng.random() < 0.5:
            order = rng.sample(range(3), 3)
            small, large = small[:, order], large[:, order]
        # Colours no photograph here has: every channel of some crops is scaled, shifted or turned upside down. The net
        # must leave smooth saturated areas alone whatever their colour.
        gain, shift = torch.ones(BATCH, 3, 1, 1), torch.zeros(BATCH, 3, 1, 1)
        for i in range(BATCH):
            if rng.random() < 0.4:
                for c in range(3):
                    g = rng.uniform(0.4, 1.0)
                    s = rng.uniform(0.0, 1.0 - g)
                    if rng.random() < 0.3:
                        g, s = -g, s + g
                    gain[i, c], shift[i, c] = g, s
        return small * gain + shift, large * gain + shift

    def validation(self):
        """Fixed crops from the right eighth of every training photograph and rendering: (kind, small, large)."""
        rng, side = random.Random(SEED + 1), 96
        for (kind, shrink), rows in self.sets.items():
            for name, large, small in rows if shrink < 3 else []:
                small = small['bicubic']
                left = min(small.shape[1] * 7 // 8, small.shape[1] - side)
                y, x = rng.randrange(small.shape[0] - side + 1), rng.randrange(left, small.shape[1] - side + 1)
                yield (kind, tensor(small[None, y:y + side, x:x + side]),
                       tensor(large[None, 2 * y:2 * (y + side), 2 * x:2 * (x + side)]))


def luma(x):
    return (x * LUMA).sum(1, keepdim=True)


def psnr(a, b, cut):
    error = (luma(a.clamp(0, 1)) - luma(b))[..., cut:-cut, cut:-cut]
    return -10 * math.log10(max(float((error ** 2).mean()), 1e-7))


@torch.no_grad()
def validate(net, crops):
    """Mean and least gain over bicubic (dB, luma), of photographs and of renderings."""
    plain, gains = photo2x.rounded(net), {'photograph': [], 'rendering': []}
    for kind, small, large in crops:
        gains[kind].append(psnr(plain(small), large, 12) - psnr(photo2x.enlarge(small), large, 12))
    return {kind: (sum(g) / len(g), min(g)) for kind, g in gains.items()}


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('pictures')
    ask.add_argument('work')
    ask.add_argument('--steps', type=int, default=30000)
    ask.add_argument('--minutes', type=float, default=1e9, help='cosine decay ends by then even if steps are left')
    ask.add_argument('--every', type=int, default=1000, help='steps between validations')
    ask.add_argument('--rate', type=float, default=RATE)
    ask.add_argument('--threads', type=int, default=2)
    ask.add_argument('--export-only', action='store_true')
    ask.add_argument('--output', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'photo-2x'))
    args = ask.parse_args()
    os.makedirs(args.work, exist_ok=True)
    last_path, best_path = os.path.join(args.work, 'last.pt'), os.path.join(args.work, 'best.pt')

    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    net = photo2x.Photo2x()
    if args.export_only:
        net.load_state_dict(torch.load(best_path)['net'])
        photo2x.export(net, os.path.join(args.output, 'photo-2x.param'), os.path.join(args.output, 'photo-2x.bin'))
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
    print(f'{photo2x.weight_count(net)} weights, {len(held)} validation crops, from step {step}', flush=True)

    inside = torch.full((1, 1, 2 * CROP, 2 * CROP), 0.1)
    inside[..., 2 * EDGE:-2 * EDGE, 2 * EDGE:-2 * EDGE] = 1.0
    inside /= inside.mean()
    started, sums = time.monotonic() - spent, 0.0
    while True:
        spent = time.monotonic() - started
        progress = max(step / args.steps, spent / 60 / args.minutes)
        if progress >= 1:
            break
        rate = LAST_RATE + (args.rate - LAST_RATE) * (1 + math.cos(math.pi * progress)) / 2
        for group in adam.param_groups:
            group['lr'] = rate * min(1.0, (step + 1) / WARM_UP)
        small, large = crops.batch(random.Random(SEED * 1000003 + step))
        with torch.no_grad():
            missing = large - photo2x.enlarge(small)
            # A picture's decibels count the same however small its error: crops that bicubic already gets nearly right
            # weigh more than their error alone would.
            weight = 1 / (missing.abs().mean((1, 2, 3), keepdim=True) + 0.003).sqrt()
            weight = weight * inside / 8
        adam.zero_grad(set_to_none=True)
        error = net.residual(small, torch.float32 if progress > FINE_FROM else torch.bfloat16) - missing
        loss = ((error ** 2 + 1e-6).sqrt() * weight).mean() + ((luma(error) ** 2 + 1e-6).sqrt() * weight).mean()
        loss.backward()
        adam.step()
        sums += float(loss.detach())
        step += 1
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(slow.parameters()), list(net.parameters()), 1 - keep)
        if step % args.every == 0:
            gains = validate(slow, held)
            score = gains['photograph'][0] + 0.1 * min(0.0, gains['photograph'][1]) + 0.1 * min(0.0, gains['rendering'][1])
            print(f'{step} {spent / 60:.1f} min rate {rate:.2e} loss {sums / args.every:.5f} ' + ' '.join(
                f'{kind} {mean:+.3f} (least {least:+.3f})' for kind, (mean, least) in gains.items()), flush=True)
            sums = 0.0
            if score > best:
                best = score
                torch.save({'net': slow.state_dict(), 'step': step, 'gains': gains}, best_path + '.part')
                os.replace(best_path + '.part', best_path)
            torch.save({'net': net.state_dict(), 'slow': slow.state_dict(), 'adam': adam.state_dict(), 'step': step,
                        'spent': spent, 'best': best}, last_path + '.part')
            os.replace(last_path + '.part', last_path)
    gains = validate(slow, held)
    score = gains['photograph'][0] + 0.1 * min(0.0, gains['photograph'][1]) + 0.1 * min(0.0, gains['rendering'][1])
    print(f'{step} end {gains}', flush=True)
    if score > best:
        torch.save({'net': slow.state_dict(), 'step': step, 'gains': gains}, best_path)
    net.load_state_dict(torch.load(best_path)['net'])
    photo2x.export(net, os.path.join(args.output, 'photo-2x.param'), os.path.join(args.output, 'photo-2x.bin'))


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: MIT
"""Trains a photo net on a CPU: train_photo.py PICTURES WORK [--scale S] [--from BIN] [--steps N] [--minutes M]

PICTURES is the folder that pictures.py filled. WORK takes checkpoints (last.pt, best.pt); a run that was stopped goes
on from the last. When done, or with --export-only, the best weights are written as photo-Sx.param and photo-Sx.bin. --from begins with
the kernels of a net of another scale.

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
import photo
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
    def __init__(self, folder, scale):
        self.sets, self.scale = {}, scale
        for name, kind, shrink, large, small in pictures.training_pairs(folder, scale):
            self.sets.setdefault((kind, shrink), []).append((name, large, small))

    def batch(self, rng):
        smalls, larges, s = [], [], self.scale
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
            larges.append(large[s * y:s * (y + CROP), s * x:s * (x + CROP)])
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
                    lift = rng.uniform(0.0, 1.0 - g)
                    if rng.random() < 0.3:
                        g, lift = -g, lift + g
                    gain[i, c], shift[i, c] = g, lift
        return small * gain + shift, large * gain + shift

    def validation(self):
        """Fixed crops from the right eighth of every training photograph and rendering: (kind, small, large)."""
        rng, side, s = random.Random(SEED + 1), 192 // self.scale, self.scale
        for (kind, shrink), rows in self.sets.items():
            for name, large, small in rows if shrink < 3 else []:
                small = small['bicubic']
                left = min(small.shape[1] * 7 // 8, small.shape[1] - side)
                y, x = rng.randrange(small.shape[0] - side + 1), rng.randrange(left, small.shape[1] - side + 1)
                yield (kind, tensor(small[None, y:y + side, x:x + side]),
                       tensor(large[None, s * y:s * (y + side), s * x:s * (x + side)]))


def luma(x):
    return (x * LUMA).sum(1, keepdim=True)


def psnr(a, b, cut):
    error = (luma(a.clamp(0, 1)) - luma(b))[..., cut:-cut, cut:-cut]
    return -10 * math.log10(max(float((error ** 2).mean()), 1e-7))


@torch.no_grad()
def validate(net, crops):
    """Mean and least gain over bicubic (dB, luma), of photographs and of renderings."""
    plain, gains = photo.rounded(net), {'photograph': [], 'rendering': []}
    for kind, small, large in crops:
        gains[kind].append(psnr(plain(small), large, 12) - psnr(photo.enlarge(small, net.scale), large, 12))
    return {kind: (sum(g) / len(g), min(g)) for kind, g in gains.items()}


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('pictures')
    ask.add_argument('work')
    ask.add_argument('--scale', type=int, default=2, choices=(2, 3, 4))
    ask.add_argument('--from', dest='begin', help='a .bin of another scale')
    ask.add_argument('--steps', type=int, default=30000)
    ask.add_argument('--minutes', type=float, default=1e9, help='cosine decay ends by then even if steps are left')
    ask.add_argument('--every', type=int, default=1000, help='steps between validations')
    ask.add_argument('--rate', type=float, default=RATE)
    ask.add_argument('--threads', type=int, default=2)
    ask.add_argument('--export-only', action='store_true')
    ask.add_argument('--output', help='folder of the exported net (default: models/photo-Sx)')
    args = ask.parse_args()
    name = f'photo-{args.scale}x'
    output = args.output or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', name)
    files = [os.path.join(output, name + '.param'), os.path.join(output, name + '.bin')]
    os.makedirs(output, exist_ok=True)
    os.makedirs(args.work, exist_ok=True)
    last_path, best_path = os.path.join(args.work, 'last.pt'), os.path.join(args.work, 'best.pt')

    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    net = photo.Photo(args.scale)
    if args.begin:
        photo.begin_from(net, args.begin)
    if args.export_only:
        net.load_state_dict(torch.load(best_path)['net'])
        photo.export(net, *files)
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
    crops = Crops(args.pictures, args.scale)
    held = list(crops.validation())
    print(f'{photo.weight_count(net)} weights, {len(held)} validation crops, from step {step}', flush=True)

    inside = torch.full((1, 1, args.scale * CROP, args.scale * CROP), 0.1)
    edge = args.scale * EDGE
    inside[..., edge:-edge, edge:-edge] = 1.0
    inside /= inside.mean()
    sums = 0.0
    while True:
        began = time.monotonic()
        progress = max(step / args.steps, spent / 60 / args.minutes)
        if progress >= 1:
            break
        rate = LAST_RATE + (args.rate - LAST_RATE) * (1 + math.cos(math.pi * progress)) / 2
        for group in adam.param_groups:
            group['lr'] = rate * min(1.0, (step + 1) / WARM_UP)
        small, large = crops.batch(random.Random(SEED * 1000003 + step))
        with torch.no_grad():
            missing = large - photo.enlarge(small, args.scale)
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
        spent += min(time.monotonic() - began, 3.0)  # a machine that slept in between has not trained
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
    photo.export(net, *files)


if __name__ == '__main__':
    main()

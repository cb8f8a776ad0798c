# SPDX-License-Identifier: MIT
"""Trains the restore nets on a CPU: train_restore.py PICTURES WORK [--from FOLDER --from-channels C --from-depth D] [--minutes M]

The result is six nets: restore-1x and restore-2x, each for low, medium and high strength. What is damaged is a picture reduced
by 2: noise, then one or two JPEG encodings whose grid lies anywhere. The 1x head is to give the reduced picture back, the
2x head the picture itself. As for the photo nets, the right eighth of every training picture only chooses the checkpoint, and
held-out pictures are not opened. trainer.py has the loop and its options.
"""
import io
import random
import numpy as np
import torch
from PIL import Image
import crops
import drawings
import pictures
import restore
import trainer

BATCH, CROP = 16, 64                       # crops per step and their side before enlargement
KIND_SHARE = {'photograph': 0.55, 'rendering': 0.1, 'drawing': 0.35}
SHRINK_SHARE = {1: 0.4, 2: 0.4, 3: 0.2}
STRENGTH_SHARE = {0: 0.3, 1: 0.45, 2: 0.25}
NOISY, NOISE_ALONE, COARSE, TWICE = 0.35, 0.04, 0.65, 0.12  # shares of crops
DAMAGE = ((60, 92, 2.0), (30, 75, 5.0), (10, 45, 12.0))  # per strength: JPEG quality from, to, and noise at most
EDGE = 16                                  # pixels whose result depends on the padding
QUALITIES = (30, 40, 50, 60)               # of validation crops


def encoded(crop, quality, coarse):
    file = io.BytesIO()
    Image.fromarray(crop).save(file, 'JPEG', quality=quality, subsampling=2 if coarse else 0)
    return np.asarray(Image.open(file).convert('RGB'))


def damaged(crop, rng, strength):
    """A crop of CROP + 8, damaged; and where in it the CROP lies, so that the grid of the JPEG is anywhere."""
    low, high, noise = DAMAGE[strength]
    alone = rng.random() < NOISE_ALONE
    if alone or rng.random() < NOISY:
        sigma, grey = rng.uniform(0, noise), rng.random() < 0.5
        shape = crop.shape[:2] + (1 if grey else 3,)
        grain = np.random.default_rng(rng.randrange(1 << 62)).normal(0, sigma, shape)
        crop = (crop + grain + 0.5).clip(0, 255).astype(np.uint8)
    if alone:
        return crop, rng.randrange(8), rng.randrange(8)
    coarse = rng.random() < COARSE
    if rng.random() < TWICE:               # encoded once before, elsewhere
        dy, dx = rng.randrange(8), rng.randrange(8)
        crop = np.pad(crop, ((dy, 0), (dx, 0), (0, 0)), 'edge')
        crop = encoded(crop, rng.randrange(max(low, 50), 96), coarse)[dy:, dx:]
    return encoded(np.ascontiguousarray(crop), rng.randrange(low, high + 1), coarse), rng.randrange(8), rng.randrange(8)


class Task:
    seed, output = 20261125, 'restore'

    def __init__(self, folder):
        torch.manual_seed(self.seed)
        self.net, self.sets = restore.Restore(), {}
        for name, kind, shrink, large, small in pictures.training_pairs(folder):
            self.sets.setdefault((kind, shrink), []).append((large, small))
        for name, page in drawings.pages(folder, False):
            small = {k: pictures.cached(folder, f'{name}-{k}', lambda: pictures.reduce(page, 2, k)) for k in pictures.KERNELS}
            self.sets.setdefault(('drawing', 1), []).append((page, small))
        self.weights = {scale: crops.inside(scale * CROP, scale * EDGE) for scale in restore.SCALES}
        self.held = list(self.validation())

    def batch(self, rng):
        bad, smalls, larges, strengths, side = [], [], [], [], CROP + 8
        for _ in range(BATCH):
            kind = crops.pick(rng, KIND_SHARE)
            large, small = rng.choice(self.sets[kind, 1 if kind == 'drawing' else crops.pick(rng, SHRINK_SHARE)])
            small = small[rng.choice(list(pictures.KERNELS))]
            y, x = crops.place(rng, small, side, 3)
            crop, big = small[y:y + side, x:x + side], large[2 * y:2 * (y + side), 2 * x:2 * (x + side)]
            if rng.random() < 0.5:
                crop, big = crop[:, ::-1], big[:, ::-1]
            if rng.random() < 0.5:
                crop, big = crop.transpose(1, 0, 2), big.transpose(1, 0, 2)
            if kind != 'drawing' and rng.random() < 0.3:
                order = rng.sample(range(3), 3)
                crop, big = crop[..., order], big[..., order]
            strength = crops.pick(rng, STRENGTH_SHARE)
            worse, y, x = damaged(np.ascontiguousarray(crop), rng, strength)
            bad.append(worse[y:y + CROP, x:x + CROP])
            smalls.append(crop[y:y + CROP, x:x + CROP])
            larges.append(big[2 * y:2 * (y + CROP), 2 * x:2 * (x + CROP)])
            strengths.append(strength)
        targets = {1: crops.tensor(np.stack(smalls)), 2: crops.tensor(np.stack(larges))}
        return crops.tensor(np.stack(bad)), targets, torch.tensor(strengths)

    def loss(self, batch, precision):
        bad, targets, strengths = batch
        loss = 0.0
        for scale, answer in zip(restore.SCALES, self.net.residuals(bad, strengths, precision)):
            missing = targets[scale] - restore.base(bad, scale)
            loss = loss + crops.loss_of(answer, missing, self.weights[scale], 1e-5, 16 * scale)
        return loss

    def validation(self):
        """Fixed crops from the right eighth: (kind, shrink, damaged, {scale: target}), QUALITIES by turns."""
        rng, side, turn = random.Random(self.seed + 1), 96, 0
        for (kind, shrink), rows in self.sets.items():
            for large, small in rows if shrink < 3 else []:
                y, x = crops.kept_place(rng, small['bicubic'], side)
                crop = np.ascontiguousarray(small['bicubic'][y:y + side, x:x + side])
                turn += 1
                yield (f'{kind}/{shrink}', crops.tensor(encoded(crop, QUALITIES[turn % len(QUALITIES)], True)[None]),
                       {1: crops.tensor(crop[None]), 2: crops.tensor(large[None, 2 * y:2 * (y + side), 2 * x:2 * (x + side)])})

    @torch.no_grad()
    def validate(self, net):
        """Mean and least gain over the damaged input, or its bicubic enlargement (dB, luma), per kind, size and scale."""
        gains = {}
        for scale in restore.SCALES:
            plain = restore.rounded(net, scale, restore.STRENGTHS.index('medium'))
            for kind, bad, targets in self.held:
                better = crops.psnr(plain(bad), targets[scale], 12) - crops.psnr(restore.base(bad, scale), targets[scale], 12)
                gains.setdefault((kind, scale), []).append(better)
        return sum(sum(g) / len(g) + 0.1 * min(0.0, min(g)) for g in gains.values()), ' '.join(
            f'{kind} {scale}x {sum(g) / len(g):+.3f} ({min(g):+.2f})' for (kind, scale), g in gains.items())

    def export(self, net, folder):
        restore.export(net, folder)


def main():
    ask = trainer.arguments(__doc__.splitlines()[0])
    ask.add_argument('--from-channels', type=int, default=restore.CHANNELS)
    ask.add_argument('--from-depth', type=int, default=restore.DEPTH)
    args = ask.parse_args()
    task = Task(args.pictures)
    if args.begin:
        restore.begin_from(task.net, args.begin, args.from_channels, args.from_depth)
    trainer.run(task, args)


if __name__ == '__main__':
    main()

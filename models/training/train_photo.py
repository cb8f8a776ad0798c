# SPDX-License-Identifier: MIT
"""Trains a photo net on a CPU: train_photo.py PICTURES WORK [--scale S] [--from FOLDER --from-scale S] [--steps N] [--minutes M]

The right eighth of every training picture is never trained on: crops from it choose the checkpoint. Held-out pictures
are not opened here. --from begins with the kernels of a net of another scale. trainer.py has the loop and its options.
"""
import os
import random
import numpy as np
import torch
import crops
import photo
import pictures
import trainer

BATCH, CROP = 16, 48                       # crops per step and their side before enlargement
KIND_SHARE = {'photograph': 0.8, 'rendering': 0.2}
SHRINK_SHARE = {1: 0.45, 2: 0.35, 3: 0.2}
KERNEL_SHARE = {'bicubic': 0.5, 'area': 0.3, 'lanczos': 0.2}
EDGE = 5                                   # pixels whose result depends on the padding


class Task:
    seed = 20261121

    def __init__(self, folder, scale):
        torch.manual_seed(self.seed)
        self.scale, self.net, self.output, self.sets = scale, photo.Photo(scale), f'photo-{scale}x', {}
        for name, kind, shrink, large, small in pictures.training_pairs(folder, scale):
            self.sets.setdefault((kind, shrink), []).append((large, small))
        self.weight = crops.inside(scale * CROP, scale * EDGE)
        self.held = list(self.validation())

    def batch(self, rng):
        smalls, larges, s = [], [], self.scale
        for _ in range(BATCH):
            large, small = rng.choice(self.sets[crops.pick(rng, KIND_SHARE), crops.pick(rng, SHRINK_SHARE)])
            small = small[crops.pick(rng, KERNEL_SHARE)]
            y, x = crops.place(rng, small, CROP, 4)
            smalls.append(small[y:y + CROP, x:x + CROP])
            larges.append(large[s * y:s * (y + CROP), s * x:s * (x + CROP)])
        small, large = crops.tensor(np.stack(smalls)), crops.tensor(np.stack(larges))
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

    def loss(self, batch, precision):
        small, large = batch
        missing = large - photo.enlarge(small, self.scale)
        return crops.loss_of(self.net.residual(small, precision), missing, self.weight)

    def validation(self):
        """Fixed crops from the right eighth of every training photograph and rendering, by each kernel: (kind, small, large)."""
        rng, s = random.Random(self.seed + 1), self.scale
        side = 192 // s
        for (kind, shrink), rows in self.sets.items():
            for large, small in rows if shrink < 3 else []:
                y, x = crops.kept_place(rng, small['bicubic'], side)
                for kernel in KERNEL_SHARE:
                    yield (kind, crops.tensor(small[kernel][None, y:y + side, x:x + side]),
                           crops.tensor(large[None, s * y:s * (y + side), s * x:s * (x + side)]))

    @torch.no_grad()
    def validate(self, net):
        """Mean and least gain over bicubic (dB, luma), of photographs and of renderings."""
        plain, gains = photo.rounded(net), {'photograph': [], 'rendering': []}
        for kind, small, large in self.held:
            gains[kind].append(crops.psnr(plain(small), large, 12) - crops.psnr(photo.enlarge(small, net.scale), large, 12))
        mean, least = sum(gains['photograph']) / len(gains['photograph']), {k: min(g) for k, g in gains.items()}
        return mean + 0.1 * sum(min(0.0, g) for g in least.values()), ' '.join(
            f'{kind} {sum(g) / len(g):+.3f} (least {least[kind]:+.3f})' for kind, g in gains.items())

    def export(self, net, folder):
        photo.export(net, os.path.join(folder, self.output))


def main():
    ask = trainer.arguments(__doc__.splitlines()[0])
    ask.add_argument('--scale', type=int, default=2, choices=(2, 3, 4))
    ask.add_argument('--from-scale', type=int, default=2)
    args = ask.parse_args()
    task = Task(args.pictures, args.scale)
    if args.begin:
        photo.begin_from(task.net, os.path.join(args.begin, f'photo-{args.from_scale}x'))
    trainer.run(task, args)


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: MIT
"""Trains the net for frames in between on a CPU: train_between.py SAMPLES WORK [--from FOLDER] [--apart] [--steps N] [--minutes M]

SAMPLES/train and SAMPLES/choose hold made motion (motion.py); the second, from photographs set aside, chooses the checkpoint.
trainer.py has the loop and its options. --from begins with the best checkpoint of another WORK; --apart gives each level
weights of its own (begun with the shared ones).
"""
import functools
import math
import os
import numpy as np
import torch
import torch.nn.functional as F
import between
import between_ncnn
import motion
import trainer

CROPS = ((4, 128), (2, 192), (2, 192))      # crops per step and their side, one of these
# Which level comes first, and the longest flow, in pixels, of samples for it: a crop is small, and its coarsest level sees little but
# edges. Begun at a finer one, the levels learn, as they share their weights, what the first one does in a large picture.
BEGIN = ((16, 1e9), (16, 1e9), (8, 14.0), (4, 7.0))
MERGED, FLOW = (0.1, 0.1, 0.2, 0.4), 0.04  # weights of the losses beside that of the result, whose weight is 1
SOFT, SOFT_FLOW = 0.003, 0.05              # below this (of white, pixels) a loss is square, above it is a distance
USUAL = 0.03                               # a crop as wrong as this counts as it is, better ones count more


def distance(x, soft):
    return torch.sqrt(x * x + soft ** 2)


def wrong_by(x):
    """The loss of frames that are x off: the logarithm of each crop's mean distance, so that the last touch counts like the first."""
    return USUAL * torch.log(distance(x, SOFT).mean((1, 2, 3)) + 0.002).mean()


class Task:
    seed = 20261126

    def __init__(self, folder, apart):
        torch.manual_seed(self.seed)
        self.net, self.output = between.Between(shared=not apart).to(memory_format=torch.channels_last), 'between'
        self.files = self.mapped(os.path.join(folder, 'train'))
        self.watch = self.mapped(os.path.join(folder, 'choose'))

    @staticmethod
    def mapped(folder):
        return motion.open_files(folder, os.path.getsize(os.path.join(folder, 'time')) // 4, motion.SIDE, 'r')

    @functools.cache
    def speed(self, i):
        """The longest flow of a sample, in pixels."""
        return float(np.abs(self.files['flow'][i]).max())

    def batch(self, rng):
        """Frames (3 tensors), flow from the middle one at half its size, what is seen of it, its time, and the first level."""
        ready = np.flatnonzero(self.files['time'] > 0)
        frames, flow, seen, t = [], [], [], []
        (batch, side), (begin, longest) = rng.choice(CROPS), rng.choice(BEGIN)
        for _ in range(batch):
            while True:
                i = int(ready[rng.randrange(len(ready))])
                if self.speed(i) <= longest:
                    break
            y, x = (2 * rng.randrange((motion.SIDE - side) // 2 + 1) for _ in range(2))
            crop = self.files['frames'][i, :, y:y + side, x:x + side]
            half = slice(y // 2, (y + side) // 2), slice(x // 2, (x + side) // 2)
            where, sight, moment = self.files['flow'][i][:, half[0], half[1]], self.files['seen'][i][:, half[0], half[1]], \
                float(self.files['time'][i])
            if rng.random() < 0.5:
                crop, where, sight, moment = crop[::-1], where[[2, 3, 0, 1]], sight[::-1], 1 - moment
            sign = np.ones((4, 1, 1), np.float16)
            if rng.random() < 0.5:
                crop, where, sight = crop[:, ::-1], where[:, ::-1], sight[:, ::-1]
                sign[1::2] = -1
            if rng.random() < 0.5:
                crop, where, sight = crop[:, :, ::-1], where[:, :, ::-1], sight[:, :, ::-1]
                sign[::2] = -1
            where = where * sign
            if rng.random() < 0.5:
                crop, where, sight = crop.swapaxes(1, 2), where[[1, 0, 3, 2]].swapaxes(1, 2), sight.swapaxes(1, 2)
            crop = crop[..., rng.sample(range(3), 3)]
            if rng.random() < 0.4:         # other colours, and little contrast, as large parts of most videos have
                gain = math.exp(rng.uniform(math.log(0.12), 0))
                crop = crop * gain + rng.uniform(0, 255) * (1 - gain)
            if rng.random() < 0.1:
                crop = 255 - crop
            crop = crop.astype(np.float32)
            if rng.random() < 0.4:         # grain, which the frame in between need not have
                noise = np.random.default_rng(rng.getrandbits(40)).standard_normal((2, *crop.shape[1:]), np.float32)
                crop[::2] += noise * rng.uniform(0, 2)
            frames.append(crop)
            flow.append(where.astype(np.float32))
            seen.append(sight.astype(np.float32))
            t.append(moment)
        frames = torch.from_numpy(np.stack(frames)).permute(1, 0, 4, 2, 3) / 255
        return [x for x in frames], torch.from_numpy(np.stack(flow)), torch.from_numpy(np.stack(seen)), torch.tensor(t).view(-1, 1, 1, 1), begin

    def loss(self, batch, precision):
        (first, middle, last), flow, seen, t, begin = batch
        levels = [s for s in between.LEVELS if s <= begin]
        result, flows, merged = self.net(first, last, t, levels)
        small = {1: middle}
        for s in (2, 4, 8):
            small[s] = F.avg_pool2d(small[s // 2], 2)
        loss = wrong_by(result - middle)
        for weight, s, frame in zip(MERGED[-len(merged):], (8, 4, 2, 1)[-len(merged):], merged):
            loss = loss + weight * wrong_by(frame - small[s])
        weight = 0.1 + 0.9 * seen.repeat_interleave(2, 1)
        for s, found in zip(levels, flows[:-1]):
            step, begin = s // 2, s // 4       # the truth is at half size
            wrong = found - flow[:, :, begin::step, begin::step] / s
            loss = loss + FLOW * (weight[:, :, begin::step, begin::step] * distance(wrong, SOFT_FLOW)).mean()
        wrong = F.avg_pool2d(flows[-1], 2) - flow
        return loss + FLOW / 2 * (weight * distance(wrong, SOFT_FLOW)).mean()

    @torch.no_grad()
    def validate(self, net):
        """Mean gain over blending and mean PSNR (dB) on samples of photographs set aside."""
        ours, blended = [], []
        for i in np.flatnonzero(self.watch['time'] > 0):
            first, middle, last = torch.from_numpy(self.watch['frames'][i].copy()).permute(0, 3, 1, 2)[:, None].float() / 255
            t = float(self.watch['time'][i])
            for rows, made in ((ours, between.frame(net, first, last, t)), (blended, torch.lerp(first, last, t))):
                rows.append(-10 * torch.log10(((made - middle) ** 2).mean() + 1e-6).item())
        return float(np.mean(ours)), f'psnr {np.mean(ours):.3f} gain {np.mean(ours) - np.mean(blended):+.3f} least ' \
            f'{min(a - b for a, b in zip(ours, blended)):+.2f}'

    def export(self, net, folder):
        between_ncnn.export(net, os.path.join(folder, 'between'))


def main():
    ask = trainer.arguments(__doc__.splitlines()[0])
    ask.add_argument('--apart', action='store_true', help='weights of its own for each level')
    args = ask.parse_args()
    task = Task(args.pictures, args.apart)
    if args.begin:
        between.begin_from(task.net, torch.load(os.path.join(args.begin, 'best.pt'))['net'])
    trainer.run(task, args)


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: MIT
"""Trains the net for frames in between: train_between.py PICTURES WORK [--device cuda] [--from FOLDER] [--steps N] [--minutes M]

It learns from made motion (scenes.py), of which no two batches are alike; photographs set aside choose the checkpoint.
trainer.py has the loop and its options. --from begins with the best checkpoint of another WORK.
"""
import functools
import math
import os
import numpy as np
import torch
import torch.nn.functional as F
import between
import between_ncnn
import scenes
import trainer

# Scenes per step, their side, the longest moves in pixels, and how often; larger moves need larger frames
KINDS = ((64, 256, 12.0, 0.2), (64, 256, 48.0, 0.5), (16, 512, 200.0, 0.3))
MERGED, FLOW = {32: 0.05, 16: 0.05, 8: 0.1, 4: 0.1, 2: 0.2, 1: 0.4}, 0.04  # weights of losses; that of the result is 1
SOFT, SOFT_FLOW = 0.003, 0.05              # below this (of white, pixels) a loss is square, above it is a distance
USUAL = 0.03                               # a frame as wrong as this counts as it is, better ones count more


def distance(x, soft):
    return torch.sqrt(x * x + soft ** 2)


def wrong_by(x):
    """The loss of frames that are x off: the logarithm of each frame's mean distance, so that the last touch counts like the first."""
    return USUAL * torch.log(distance(x, SOFT).mean((1, 2, 3)) + 0.002).mean()


def worst_by(x):
    """The same of the mean square, which PSNR counts."""
    return USUAL * 0.5 * torch.log((x * x).mean((1, 2, 3)) + 1e-5).mean()


@functools.cache
def cosines(device):
    """The matrix of the cosine transform of 8 samples, orthonormal."""
    k, i = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing='ij')
    matrix = torch.cos(math.pi * (i + 0.5) * k / 8) / 2
    matrix[0] /= math.sqrt(2)
    return matrix.to(device)


def compressed(frames, strength):
    """As if kept in few bits: the cosines of 8 x 8 pixels in coarse steps, of brightness finer than of colour. strength: N x 1 x 1 x 1, the
    finest step, of white. frames: N x C x H x W, three colours a frame."""
    n, c, height, width = frames.shape
    grey = frames.view(n, c // 3, 3, height, width).mean(2, keepdim=True).expand(-1, -1, 3, -1, -1).reshape(frames.shape)
    d, result = cosines(frames.device), 0
    step = strength[..., None, None] * (1 + torch.arange(8.0, device=d.device)[:, None] + torch.arange(8.0, device=d.device)) / 2
    for part, coarser in ((grey, 1), (frames - grey, 2)):
        blocks = part.view(n, c, height // 8, 8, width // 8, 8).transpose(3, 4)
        blocks = d @ blocks @ d.T
        blocks = torch.round(blocks / (coarser * step)) * (coarser * step)
        result = result + (d.T @ blocks @ d).transpose(3, 4).reshape(frames.shape)
    return result


class Task:
    seed, steepest = 20261126, 1.0

    def __init__(self, args):
        torch.manual_seed(self.seed)
        torch.set_flush_denormal(True)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
        self.net, self.output, self.device = between.Between().to(args.device, memory_format=torch.channels_last), 'between', args.device
        if args.export_only:
            return
        self.draw = scenes.Renderer(scenes.Bank(args.pictures, 'train'), args.device)
        watch, rng = scenes.Renderer(scenes.Bank(args.pictures, 'choose'), args.device), np.random.default_rng(1)
        self.watch = [watch(*scenes.scenes(rng, watch.bank, 8, side, far), side) for side, far in ((256, 10.0), (256, 44.0), (512, 160.0))]

    def batch(self, rng):
        """Frames (3 tensors), flow from the middle one at half its size, what is seen of it, its time."""
        count, side, far, _ = rng.choices(KINDS, [kind[3] for kind in KINDS])[0]
        dice = np.random.default_rng(rng.getrandbits(60))
        frames, flow, seen, t = self.draw(*scenes.scenes(dice, self.draw.bank, count, side, far), side)

        def given(values):
            return torch.as_tensor(values, dtype=torch.float32).view(count, 1, 1, 1).to(self.device)

        def maybe(chance, values):
            return given(np.where(dice.random(count) < chance, values, 0))
        colours = torch.from_numpy(dice.permuted(np.tile(np.arange(3), (count, 1)), axis=1)).to(self.device)
        frames = frames.gather(2, colours.view(count, 1, 3, 1, 1).expand_as(frames)).flatten(1, 2)
        # Little contrast, as large parts of most videos have; negatives
        gain = given(np.where(dice.random(count) < 0.3, np.exp(dice.uniform(math.log(0.12), 0, count)), 1) * np.where(dice.random(count) < 0.1, -1, 1))
        frames = frames * gain + given(dice.random(count)) * (1 - gain.abs()) + (gain < 0) * gain.abs()
        # Grain and compression, which the frame in between need not have
        first_last = torch.cat((frames[:, :3], frames[:, 6:]), 1)
        first_last = first_last + torch.randn_like(first_last) * maybe(0.4, np.exp(dice.uniform(math.log(0.3), math.log(5), count)) / 255)
        strength = maybe(0.3, np.exp(dice.uniform(math.log(2), math.log(24), count)) / 255)
        first_last = torch.where(strength > 0, compressed(first_last, strength + 1e-6), first_last)
        first_last = (first_last.clamp(0, 1) * 255).round() / 255
        return (first_last[:, :3], frames[:, 3:6], first_last[:, 3:]), flow, seen, t

    def loss(self, batch, precision):
        (first, middle, last), flow, seen, t = batch
        result, flows, merged = self.net(first, last, t)
        small = {1: middle}
        for s in sorted(set(between.LEVELS)):
            small[s] = F.avg_pool2d(small[s // 2], 2)
        loss = wrong_by(result - middle) + worst_by(result - middle)
        for s, frame in merged:
            loss = loss + MERGED[s] * wrong_by(frame - small[s])
        weight = 0.1 + 0.9 * seen.repeat_interleave(2, 1)
        for s, found in flows:
            if s == 1:
                loss = loss + FLOW / 2 * (weight * distance(F.avg_pool2d(found, 2) - flow, SOFT_FLOW)).mean()
                continue
            step, begin = s // 2, s // 4       # the truth is at half size
            wrong = found - flow[:, :, begin::step, begin::step] / s
            loss = loss + FLOW * (weight[:, :, begin::step, begin::step] * distance(wrong, SOFT_FLOW)).mean()
        return loss

    @torch.no_grad()
    def validate(self, net):
        """Mean PSNR (dB) of made motion of photographs set aside, and that of each set."""
        rows = []
        for frames, _, _, t in self.watch:
            first, middle, last = ((x.clamp(0, 1) * 255).round() / 255 for x in frames.unbind(1))
            made = net(first, last, t)[0].clamp(0, 1)
            rows.append((-10 * torch.log10(((made - middle) ** 2).mean((1, 2, 3)) + 1e-6)).mean().item())
        return float(np.mean(rows)), f'psnr {np.mean(rows):.3f}: ' + ' '.join(f'{x:.3f}' for x in rows)

    def export(self, net, folder):
        between_ncnn.export(net.cpu(), os.path.join(folder, 'between'))


def main():
    ask = trainer.arguments(__doc__.splitlines()[0])
    ask.add_argument('--device', default='cpu', help='cuda: a GPU')
    args = ask.parse_args()
    task = Task(args)
    if args.begin:
        task.net.load_state_dict(torch.load(os.path.join(args.begin, 'best.pt'), map_location=args.device)['net'])
    trainer.run(task, args)


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: MIT
"""The loop that trains our nets, on a CPU or a GPU: Adam, cosine decay by steps or by the clock, moving average, checkpoints.

A task has: seed, net, output (folder), batch(rng) -> tensors, loss(batch, precision) -> scalar, validate(net) -> (score, line),
export(net, folder), and may have steepest (longer gradients are shortened to it). WORK takes last.pt and best.pt; a run that was
stopped goes on from the last.
"""
import argparse
import copy
import math
import os
import random
import time
import torch

LAST_RATE, WARM_UP = 2e-6, 300
EMA = 0.999
FINE_FROM = 0.9  # share of the training after which all is float32


def arguments(description):
    ask = argparse.ArgumentParser(description=description)
    ask.add_argument('pictures', help='the folder that pictures.py and drawings.py, or motion.py, filled')
    ask.add_argument('work', help='takes checkpoints')
    ask.add_argument('--from', dest='begin', help='folder of an exported net whose kernels to begin with')
    ask.add_argument('--steps', type=int, default=30000)
    ask.add_argument('--minutes', type=float, default=1e9, help='cosine decay ends by then even if steps are left')
    ask.add_argument('--every', type=int, default=500, help='steps between validations')
    ask.add_argument('--rate', type=float, default=1.2e-3)
    ask.add_argument('--threads', type=int, default=2)
    ask.add_argument('--export-only', action='store_true')
    ask.add_argument('--output', help='folder of the exported net (default: its own in models/)')
    return ask


def save(path, what):
    torch.save(what, path + '.part')
    os.replace(path + '.part', path)


def train(task, args):
    os.makedirs(args.work, exist_ok=True)
    last_path, best_path = os.path.join(args.work, 'last.pt'), os.path.join(args.work, 'best.pt')
    net, slow = task.net, copy.deepcopy(task.net).requires_grad_(False)
    adam = torch.optim.Adam(net.parameters(), lr=args.rate, betas=(0.9, 0.99), foreach=True)
    step, spent, best, sums, since = 0, 0.0, -1e9, 0.0, 0
    if os.path.exists(last_path):
        saved = torch.load(last_path, map_location=next(net.parameters()).device)
        net.load_state_dict(saved['net'])
        slow.load_state_dict(saved['slow'])
        adam.load_state_dict(saved['adam'])
        step, spent, best = saved['step'], saved['spent'], saved['best']
    print(f'from step {step}', flush=True)
    done = False
    while not done:
        began = time.monotonic()
        progress = max(step / args.steps, spent / 60 / args.minutes)
        rate = LAST_RATE + (args.rate - LAST_RATE) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        for group in adam.param_groups:
            group['lr'] = rate * min(1.0, (step + 1) / WARM_UP)
        batch = task.batch(random.Random(task.seed * 1000003 + step))
        adam.zero_grad(set_to_none=True)
        loss = task.loss(batch, torch.float32 if progress > FINE_FROM else torch.bfloat16)
        loss.backward()
        if hasattr(task, 'steepest'):
            torch.nn.utils.clip_grad_norm_(net.parameters(), task.steepest)
        adam.step()
        sums, since, step = sums + loss.detach(), since + 1, step + 1
        spent += min(time.monotonic() - began, 3.0)  # a machine that slept in between has not trained
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(slow.parameters()), list(net.parameters()), 1 - keep)
        done = step >= args.steps or spent / 60 >= args.minutes
        if done or step % args.every == 0:
            score, line = task.validate(slow)
            print(f'{step} {spent / 60:.1f} min rate {rate:.2e} loss {float(sums) / since:.5f} {line}', flush=True)
            sums, since = 0.0, 0
            if score > best:
                best = score
                save(best_path, {'net': slow.state_dict(), 'step': step, 'line': line})
            save(last_path, {'net': net.state_dict(), 'slow': slow.state_dict(), 'adam': adam.state_dict(), 'step': step,
                             'spent': spent, 'best': best})


def run(task, args):
    """Trains, unless only the export is asked for; then writes the best weights."""
    torch.set_num_threads(args.threads)
    if not args.export_only:
        train(task, args)
    task.net.load_state_dict(torch.load(os.path.join(args.work, 'best.pt'), map_location='cpu')['net'])
    folder = args.output or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', task.output)
    os.makedirs(folder, exist_ok=True)
    task.export(task.net, folder)

# SPDX-License-Identifier: MIT
"""The tables of docs/models.md from evaluate.py's rows: tables.py FILE.csv prints those of a run that was kept."""
import csv
import sys

BASE = {'photo': 'bicubic', 'restore': 'input'}


def mean(rows, key):
    values = [float(r[key]) for r in rows if r[key] not in (None, '')]
    return sum(values) / len(values) if values else None


def cell(value, form):
    return '' if value is None else format(value, form)


def gains(rows, plain):
    """Mean and least gain in luma dB over the base, of one method and one damage."""
    found = [float(r['psnr_luma']) - plain[r['picture'], r['damage']] for r in rows]
    return f'{sum(found) / len(found):+.2f} ({min(found):+.2f})' if found else ''


def table(part, kind, scale, rows):
    damages = list(dict.fromkeys(r['damage'] for r in rows))
    plain = {(r['picture'], r['damage']): float(r['psnr_luma']) for r in rows if r['method'] == BASE[part]}
    print(f'\n{part} {scale}x, {kind}, {len({r["picture"] for r in rows})} pictures:\n')
    print(f'| net | {" | ".join(damages)} | luma dB | RGB dB | SSIM | SSIM, RGB | shift | off | s/MP | MiB |')
    print('|---' * (len(damages) + 9) + '|')
    for method in dict.fromkeys(r['method'] for r in rows):
        own = [r for r in rows if r['method'] == method]
        each = ' | '.join(gains([r for r in own if r['damage'] == d], plain) for d in damages)
        first = [r for r in own if r['damage'] == own[0]['damage']]
        print(f'| {method} | {each} | {mean(first, "psnr_luma"):.2f} | {mean(first, "psnr"):.2f} | {mean(first, "ssim"):.4f} '
              f'| {mean(first, "ssim_rgb"):.4f} | {max(float(r["shift"]) for r in own):.2f} '
              f'| {max(float(r["shift_from_original"]) for r in own):.2f} '
              f'| {cell(mean(own, "seconds_per_megapixel"), ".2f")} | {cell(mean(own, "peak_mib"), ".0f")} |', flush=True)


def show(rows):
    """Per part, set and scale: gains per damage, mean and (least) picture; the plain figures are of the first damage."""
    groups = {}
    for r in rows:
        groups.setdefault((r['part'], str(r['scale']), r['set']), []).append(r)
    for (part, scale, kind), group in sorted(groups.items(), key=lambda g: g[0][:2]):
        table(part, kind, scale, group)


if __name__ == '__main__':
    with open(sys.argv[1], newline='') as file:
        show(list(csv.DictReader(file)))

# SPDX-License-Identifier: MIT
"""Draws rows as SVG: time against peak memory, a panel per net, a mark per case.

By itself it draws the last run of each net in bench/results.csv: plot.py RESULTS.csv OUT.svg"""
import csv
import math
import sys
from html import escape
from pathlib import Path

# Both backgrounds, white and nearly black, show these.
INK, FAINT = "#7f8790", "#7f879055"
COLOURS = {"tilewright": "#d9480f", "ncnn": "#1c7ed6", "realcugan": "#0b8599", "onnxruntime": "#2f9e44", "openvino": "#b04ac8",
           "openvino-bf16": "#b04ac8"}
WIDTH, HEAD, PANEL, FOOT = 960, 64, 300, 34
LEFT, RIGHT, TOP, BOTTOM = 74, 20, 34, 44
LETTER = 6.3  # width of a letter, about, at 12 px
EXACT = {"float": 0.01, "8 bit": 1}  # largest difference in 1/255 that counts as none


def seconds(row):
    return float(row["net_min"] if row["net_min"] and row["compared"] == "float" else row["seconds_min"])


def text(x, y, words, anchor="start", **more):
    attributes = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour=FAINT):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def steps(most):
    """Round distances that give some five lines."""
    rough = most / 5
    power = 10 ** math.floor(math.log10(rough))
    size = next(f * power for f in (1, 2, 5, 10) if f * power >= rough)
    return [n * size for n in range(int(most / size) + 1)]


def powers(low, high):
    return [2 ** n for n in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]


def clear(box, taken):
    return all(box[2] < other[0] or other[2] < box[0] or box[3] < other[1] or other[3] < box[1] for other in taken)


def place(x, y, words, taken, frame):
    """Where the label of the mark at x, y goes: beside it if there is room, else the nearest free place above or below."""
    width = len(words) * LETTER
    for away in range(0, 200, 4):
        for shift in (away, -away) if away else (0,):
            for left in (x + 9, x - 9 - width) if abs(shift) < 12 else (x + 9, x - width - 9, x - width / 2):
                box = (left, y + shift - 7, left + width, y + shift + 7)
                inside = frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1] and box[3] <= frame[3]
                if inside and clear(box, taken):
                    return box
    return (x + 9, y - 7, x + 9 + width, y + 7)


def lead(x, y, box):
    """A line from the mark to a label that is not beside it."""
    middle = (box[1] + box[3]) / 2
    if abs(middle - y) < 8:
        return ""
    end = min(max(x, box[0]), box[2])
    return line(x, y, end, box[1] if middle > y else box[3], INK)


def label(x, box, words, colour):
    """The width of a label is a guess, so it starts or ends at the side that faces its mark."""
    anchor, at = ("end", box[2]) if box[2] < x else ("start", box[0])
    return text(at, (box[1] + box[3]) / 2 + 4, words, anchor, fill=colour)


def mark(x, y, row):
    colour = COLOURS[row["program"]]
    exact = float(row["max_difference"]) <= EXACT[row["compared"]]
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" stroke="{colour}" stroke-width="2" fill="{colour if exact else "none"}"/>'


def axes(frame, rows, across, up):
    left, top, right, bottom = frame
    drawn = []
    for value in steps(across[1]):
        x = left + value / across[1] * (right - left)
        drawn += [line(x, top, x, bottom), text(x, bottom + 16, f"{value:g}", "middle")]
    for value in powers(*up):
        y = bottom - math.log(value / up[0]) / math.log(up[1] / up[0]) * (bottom - top)
        drawn += [line(left, y, right, y), text(left - 8, y + 4, f"{value:g}", "end")]
    timed = "the net" if rows[0]["compared"] == "float" else "the whole process"
    drawn.append(text(right, bottom + 34, f"seconds of {timed}, shortest of {rows[0]['rounds']}", "end"))
    drawn.append(text(left, top - 10, rows[0]["model"], font_weight="bold", font_size="14"))
    drawn.append(text(right, top - 10, "peak MiB upwards, time to the right: best is bottom left", "end"))
    return drawn


def panel(rows, offset):
    frame = LEFT, offset + TOP, WIDTH - RIGHT, offset + PANEL - BOTTOM
    left, top, right, bottom = frame
    across = 0, 1.12 * max(map(seconds, rows))
    peaks = [float(row["peak_mib"]) for row in rows]
    up = min(peaks) / 1.4, max(peaks) * 1.4
    drawn = axes(frame, rows, across, up)
    points = []
    for row, peak in zip(rows, peaks):
        points.append((left + seconds(row) / across[1] * (right - left),
                       bottom - math.log(peak / up[0]) / math.log(up[1] / up[0]) * (bottom - top), row))
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y, _ in points]
    for x, y, row in sorted(points, key=lambda point: point[1]):
        words = ("tilewright, " if row["program"] == "tilewright" else "") + row["case"]
        box = place(x, y, words, taken, frame)
        taken.append(box)
        drawn += [lead(x, y, box), mark(x, y, row), label(x, box, words, COLOURS[row["program"]])]
    return drawn


def draw(rows, target):
    models = list(dict.fromkeys(row["model"] for row in rows))
    height = HEAD + PANEL * len(models) + FOOT
    drawn = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
             f'font-family="sans-serif" font-size="12" fill="{INK}">',
             text(LEFT, 26, "Time and peak memory of one picture", font_size="18", font_weight="bold"),
             text(LEFT, 46, "Filled: the same as the untiled run, to 0.01/255 (in 8 bit: to 1). Hollow: further away.")]
    for number, model in enumerate(models):
        drawn += panel([row for row in rows if row["model"] == model], HEAD + number * PANEL)
    runs = dict.fromkeys(f"{row['date']}, commit {row['commit']}" for row in rows)
    drawn.append(text(LEFT, height - 12, f"{rows[0]['machine']}; {'; '.join(runs)}"))
    target.write_text("\n".join(filter(None, drawn)) + "\n</svg>\n", encoding="utf-8")


def last_runs(path):
    """Of each net the last row of each case, among those with the date, commit and machine of the net's last row."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    last = {row["model"]: row for row in rows}
    same = [row for row in rows if all(row[key] == last[row["model"]][key] for key in ("date", "commit", "machine"))]
    return list({(row["model"], row["case"]): row for row in same}.values())


if __name__ == "__main__":
    draw(last_runs(sys.argv[1]), Path(sys.argv[2]))

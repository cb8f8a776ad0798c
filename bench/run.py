# SPDX-License-Identifier: MIT
"""run.py TILEWRIGHT WORK COMMIT [--rounds N] [--no-save]: what bench/run.sh calls. WORK holds photo.ppm and photo.tif.

Prints a table and appends one row per case to bench/results.csv."""
import argparse
import csv
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

MODELS = ("photo-2x", "realesr-animevideov3-x4")
# Name, options. The first of each model is what the others are measured against.
CASES = (
    ("whole", ("--schedule", "whole")),
    ("plan", ()),
    ("plan, 256M", ("--memory", "256M")),
    ("tile 200, halo 10", ("--tile", "200", "--halo", "10")),
)
COLUMNS = ("date", "commit", "machine", "model", "case", "rounds", "workers", "tile", "exact", "seconds_min", "seconds_median",
           "peak_mib", "time_ratio", "peak_ratio", "max_difference")


def tilewright(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--json", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def upscale(program, model, options, source, target):
    start = time.monotonic()
    report = tilewright(program, "upscale", source, target, "--model", model, "--overwrite", "--tiff-compression", "none", *options)
    return time.monotonic() - start, report


def machine():
    name = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = " ".join(line.split(":", 1)[1].replace("(R)", "").replace("(TM)", "").split())
            break
    return f"{name}, {len(os.sched_getaffinity(0))} CPUs"


def differences(program, work, model):
    """Largest difference to the whole run in 1/255, in float, before any rounding: case -> number."""
    found = {}
    for name, options in CASES:
        upscale(program, model, options, work / "photo.tif", work / ("whole.tif" if name == "whole" else "tiled.tif"))
        if name != "whole":
            found[name] = tilewright(program, "compare", work / "whole.tif", work / "tiled.tif")["max_difference"]
    return found


def measure(program, work, rounds):
    """Rounds are interleaved: whatever slows the machine for a while slows every case. One more round before them is dropped."""
    seconds, reports = {}, {}
    for number in range(rounds + 1):
        for model in MODELS:
            for name, options in CASES:
                taken, report = upscale(program, model, options, work / "photo.ppm", work / "out.ppm")
                if number == 0:
                    seconds[model, name] = []
                else:
                    seconds[model, name].append(taken)
                reports[model, name] = report
        print(f"bench: round {number} of {rounds}" if number else "bench: warm", file=sys.stderr)
    return seconds, reports


def rows(program, work, commit, rounds):
    seconds, reports = measure(program, work, rounds)
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    for model in MODELS:
        apart = differences(program, work, model)
        whole = min(seconds[model, "whole"]), reports[model, "whole"]["peak_bytes"]
        for name, _ in CASES:
            taken, report = seconds[model, name], reports[model, name]
            yield {
                "date": today, "commit": commit, "machine": machine(), "model": model, "case": name, "rounds": rounds,
                "workers": report["workers"], "tile": "x".join(map(str, report["tile"])),
                "exact": "yes" if report["exact"] else "no",
                "seconds_min": f"{min(taken):.3f}", "seconds_median": f"{statistics.median(taken):.3f}",
                "peak_mib": f"{report['peak_bytes'] / 2**20:.0f}", "time_ratio": f"{min(taken) / whole[0]:.3f}",
                "peak_ratio": f"{report['peak_bytes'] / whole[1]:.3f}",
                "max_difference": f"{apart[name]:.5f}" if name in apart else "0",
            }


def save(made):
    path = Path("bench/results.csv")
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerows(made)


def show(made):
    shown = ("model", "case", "tile", "workers", "seconds_min", "seconds_median", "peak_mib", "time_ratio", "peak_ratio", "exact",
             "max_difference")
    print(f"{made[0]['machine']}, commit {made[0]['commit']}, {made[0]['rounds']} rounds\n")
    print("| " + " | ".join(c.replace("_", " ") for c in shown) + " |")
    print("|" + "---|" * len(shown))
    for row in made:
        print("| " + " | ".join(str(row[c]) for c in shown) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tilewright", type=os.path.abspath)
    parser.add_argument("work", type=Path)
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-save", action="store_true", help="leave bench/results.csv alone")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error("--rounds must be 1 or more")
    made = list(rows(given.tilewright, given.work, given.commit, given.rounds))
    show(made)
    if not given.no_save:
        save(made)


main()

# SPDX-License-Identifier: MIT
"""run.py TILEWRIGHT WORK COMMIT [options]: what bench/run.sh calls. WORK holds the pictures that it made.

Prints a table, appends one row per case to bench/results.csv and draws bench/results.svg."""
import argparse
import csv
import datetime
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import cases
import plot

COLUMNS = ("date", "commit", "machine", "model", "case", "program", "rounds", "workers", "tile", "exact", "seconds_min",
           "seconds_median", "net_min", "net_median", "peak_mib", "time_ratio", "peak_ratio", "max_difference", "compared")
Run = namedtuple("Run", "wall net peak report")


class Failed(Exception):
    """A command did not do its work; the message is its last line."""


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(command):
    """One process: wall clock, the seconds that it says its work took (or None), its peak in bytes, what it printed."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    last = (text.strip().splitlines() or [""])[-1]
    if process.returncode:
        raise Failed(f"exit code {process.returncode}: {last}")
    report = json.loads(last) if last.startswith("{") else {}
    return Run(wall, report.get("compute_seconds", report.get("seconds")), usage.ru_maxrss * 1024, report)


def machine():
    name = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = " ".join(line.split(":", 1)[1].replace("(R)", "").replace("(TM)", "").split())
            break
    return f"{name}, {len(os.sched_getaffinity(0))} CPUs"


def to_tiff(raw, width, height):
    """Bare floats, three to a pixel, become a float TIFF: the smallest header that readers take, then one strip."""
    tags = ((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 146),
            (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, width * height * 12), (339, 3, 3, 140))
    header = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    target = raw.with_suffix(".tif")
    with raw.open("rb") as samples, target.open("wb") as out:
        out.write(header + bytes(4) + struct.pack("<6H", 32, 32, 32, 3, 3, 3))
        shutil.copyfileobj(samples, out)
    raw.unlink()
    return target


def difference(tilewright, whole, other):
    return run([tilewright, "compare", str(whole), str(other), "--json", "--quiet"]).report["max_difference"]


def check(tilewright, programs, group):
    """One run of each case that is not timed. Gives the cases that work and their largest difference to the first, in 1/255."""
    found, whole, size = {}, None, None
    programs.prepare(group)
    for case in group.cases:
        if case.program not in programs.calls:
            continue
        command, target = programs.checked(group, case, programs.work / ("other" if whole else "whole"))
        try:
            done = run(command)
        except Failed as failed:
            if not whole:
                sys.exit(f"bench: {group.model}, {case.name}: {failed}")
            note(f"{group.model}: {case.name} is left out: {failed}")
            continue
        if not whole:
            whole, size, found[case] = target, (done.report["width"], done.report["height"]), 0
            continue
        other = to_tiff(target, *size) if target.suffix == ".raw" else target
        found[case] = difference(tilewright, whole, other)
        note(f"{group.model}: {case.name}: {done.net or done.wall:.2f} s, difference {found[case]:.5f}")
    return found


def measure(programs, groups, apart, rounds):
    """Rounds are interleaved: whatever slows the machine for a while slows every case."""
    done = {}
    for number in range(1, rounds + 1):
        for group in groups:
            for case in apart[group.model]:
                done.setdefault((group.model, case), []).append(run(programs.timed(group, case)))
        note(f"round {number} of {rounds}")
    return done


def figures(values):
    return (f"{min(values):.3f}", f"{statistics.median(values):.3f}") if None not in values else ("", "")


def row(group, case, runs, whole, apart):
    """Ratios are of the net's time; of the process where a program does not tell its net's."""
    def best(of):
        return min(one.wall if group.compared == "8 bit" else one.net for one in of)
    report = runs[-1].report
    made = {"model": group.model, "case": case.name, "program": case.program, "rounds": len(runs), "compared": group.compared}
    made["workers"] = report.get("workers", case.threads)
    made["tile"] = "x".join(map(str, report.get("tile", case.tile[:1] * 2)))
    made["exact"] = {True: "yes", False: "no", None: ""}[report.get("exact")]
    made["seconds_min"], made["seconds_median"] = figures([one.wall for one in runs])
    made["net_min"], made["net_median"] = figures([one.net for one in runs])
    peak = max(one.peak for one in runs)
    made["peak_mib"] = f"{peak / 2**20:.0f}"
    made["time_ratio"] = f"{best(runs) / best(whole):.3f}"
    made["peak_ratio"] = f"{peak / max(one.peak for one in whole):.3f}"
    made["max_difference"] = f"{apart:.5f}" if apart else "0"
    return made


def rows(tilewright, programs, groups, commit, rounds):
    apart = {group.model: check(tilewright, programs, group) for group in groups}
    done = measure(programs, groups, apart, rounds)
    common = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), "commit": commit, "machine": machine()}
    return [{**common, **row(group, case, done[group.model, case], done[group.model, group.cases[0]], apart[group.model][case])}
            for group in groups for case in apart[group.model]]


def save(made):
    path = Path("bench/results.csv")
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerows(made)


def show(made):
    shown = ("model", "case", "tile", "workers", "net_min", "net_median", "seconds_min", "seconds_median", "peak_mib",
             "time_ratio", "peak_ratio", "exact", "max_difference")
    print(f"{made[0]['machine']}, commit {made[0]['commit']}, {made[0]['rounds']} rounds\n")
    print("| " + " | ".join(c.replace("_", " ") for c in shown) + " |")
    print("|" + "---|" * len(shown))
    for one in made:
        print("| " + " | ".join(str(one[c]) for c in shown) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tilewright", type=os.path.abspath)
    parser.add_argument("work", type=Path)
    parser.add_argument("commit")
    parser.add_argument("--ncnn", metavar="FILE", help="bench/peer.c, built")
    parser.add_argument("--realcugan", metavar="FILE", help="realcugan-ncnn-vulkan")
    parser.add_argument("--python", metavar="FILE", help="a Python that has ONNX Runtime and OpenVINO")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", action="append", help="only this net; may be given again")
    parser.add_argument("--no-save", action="store_true", help="leave bench/results.csv and bench/results.svg alone")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw this run there, too")
    given = parser.parse_args()
    groups = [group for group in cases.GROUPS if not given.model or group.model in given.model]
    if given.rounds < 1 or not groups:
        parser.error("--rounds must be 1 or more, --model one of " + ", ".join(group.model for group in cases.GROUPS))
    programs = cases.Programs(given.tilewright, given.work, given.ncnn, given.realcugan, given.python)
    try:
        made = rows(given.tilewright, programs, groups, given.commit, given.rounds)
    except Failed as failed:
        sys.exit(f"bench: {failed}")
    show(made)
    if given.plot:
        plot.draw(made, given.plot)
    if not given.no_save:
        save(made)
        plot.draw(plot.last_runs("bench/results.csv"), Path("bench/results.svg"))


main()

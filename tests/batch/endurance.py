#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""endurance.py TILEWRIGHT [NAME...]: memory and lost work over many jobs, against the real program. Under sanitizers (TW_SANITIZED)
there are fewer jobs, nothing is measured, and leaks fail by the exit code."""
import os
import signal
import subprocess
import sys
from pathlib import Path

from driver import Batch, check, make_picture, sha256
from protocol import main

SANITIZED = bool(os.environ.get("TW_SANITIZED"))
MIB = 1 << 20


def test_many_jobs(program, work):
    """1,000 jobs of every kind: memory at the end is what it was after 50."""
    sources = [make_picture(work / f"in{i}.png", 48 + 5 * i, 40, i) for i in range(8)]
    batch, count, early = Batch(program, work, "--memory", "300M"), 100 if SANITIZED else 1000, 0
    for i in range(count):
        source = sources[i % 8]
        if i % 10 == 3:
            batch.run(f"job {i}", work / "missing.png", work / "no.png")
        elif i % 10 == 5:
            batch.send(cmd="run", id=f"job {i}", op="compare", input=[source, source])
        elif i % 10 == 7:
            batch.run(f"job {i}", source, {"format": "png"})
        else:
            batch.run(f"job {i}", source, work / f"o{i % 20}.png", overwrite=True, model="photo-2x" if i % 2 else "restore-1x")
        while len(batch.ends_of_all()) < i - 8:
            batch.next()
        if i == 58:
            early = batch.status("VmRSS")
    while len(batch.ends_of_all()) < count:
        batch.next()
    late = batch.status("VmRSS")
    summary = batch.finish(3)
    check(summary["processed"] == count * 9 // 10 and summary["errors"] == count // 10, summary)
    print(f"      resident after 50 jobs {early / MIB:.1f} MiB, after {count} {late / MIB:.1f} MiB, peak {summary['peak_bytes'] / MIB:.1f} MiB")
    if not SANITIZED:
        check(late <= early + 5 * MIB, early, late)
        check(summary["peak_bytes"] <= 300 * MIB, summary)


def test_budget(program, work):
    """The kernel's figure stays below the budget, whatever runs side by side."""
    sources = [make_picture(work / f"in{i}.png", 300 + 200 * i, 200 + 150 * i, i) for i in range(3)]
    for memory in (80, 110, 200, 400):
        batch = Batch(program, work, "--memory", f"{memory}M", "--jobs", "6")
        for i in range(9):
            batch.run(str(i), sources[i % 3], work / f"o{i}.{('png', 'jpg', 'tif')[i % 3]}", overwrite=True, scale=2 + i % 2)
        summary, most, running = batch.finish(), 0, set()
        for event in batch.events:
            if event["event"] == "progress" and event["fraction"] == 0:
                running.add(event["id"])
            elif event["event"] in ("result", "error"):
                running.discard(event.get("id"))
            most = max(most, len(running))
        print(f"      {memory} MiB: peak {summary['peak_bytes'] / MIB:.1f} MiB, at most {most} side by side")
        check(summary["processed"] == 9, summary)
        if not SANITIZED:
            check(summary["peak_bytes"] <= memory * MIB, summary)
            check(most > 1 if memory >= 200 else True, most)


def test_admission(program, work):
    """What fits alone runs alone, in its turn; what can never fit is told so before it starts."""
    large, small = make_picture(work / "large.png", 900, 700), make_picture(work / "small.png", 60, 60)
    batch = Batch(program, work, "--memory", "110M")
    batch.run("never", large, work / "never.webp", scale=16)
    batch.run("small", small, work / "small-out.png")
    batch.finish(4)
    never = batch.ends_of("never")[0]
    check(never["code"] == 4 and never["retryable"] is False and "smallest that would do" in never["message"], never)
    check(not [e for e in batch.events if e.get("id") == "never" and e["event"] in ("plan", "progress")], batch.events)
    check(batch.ends_of("small")[0]["event"] == "result")


def test_many_lines(program, work):
    """Lines far ahead of the work stay in the pipe, not in memory."""
    count = 200 if SANITIZED else 30000
    source = make_picture(work / "in.png", 40, 40)
    batch = Batch(program, work, "--memory", "100M")
    line = '{"cmd":"run","id":"%d","op":"upscale","input":"missing.png","output":"out.png","scratch":"%s"}\n'
    feeder = os.fork()
    if feeder == 0:
        try:
            for i in range(count):
                os.write(batch.process.stdin.fileno(), (line % (i, "x" * 200)).encode())
        finally:
            os._exit(0)
    while len(batch.ends_of_all()) < count:
        batch.next()
    os.waitpid(feeder, 0)
    batch.run("last", source, work / "out.png")
    check(batch.next("result", "last"))
    summary = batch.finish(2)
    check(summary["errors"] == count, summary)
    print(f"      {count} lines: peak {summary['peak_bytes'] / MIB:.1f} MiB")
    if not SANITIZED:
        check(summary["peak_bytes"] < 70 * MIB, summary)


def test_killed(program, work):
    """kill -9: what was told is there, whole; nothing else is; and the same lines finish the rest."""
    sources = [make_picture(work / f"in{i}.png", 200 + 10 * i, 150, i) for i in range(16)]

    def ask(batch):
        for i, source in enumerate(sources):
            batch.run(str(i), source, work / f"o{i}.png", resume=True)

    batch = Batch(program, work)
    ask(batch)
    told = [batch.next("result") for _ in range(6)]
    batch.kill(signal.SIGKILL)
    while batch.next():
        pass
    told = [e for e in batch.events if e["event"] == "result"]
    found = sorted(p.name for p in work.glob("o*.png"))
    check(len(told) >= 6 and len(found) < 16, len(told), found)
    check(all(sha256(e["output"]) == e["sha256"] for e in told))
    check(not [p for p in work.iterdir() if p.name.startswith(".")], list(work.iterdir()))
    batch = Batch(program, work)
    ask(batch)
    summary = batch.finish()
    check(summary["skipped"] == len(found) and summary["processed"] == 16 - len(found), summary)
    for i, source in enumerate(sources[:16:5]):
        subprocess.run([program, "upscale", source, work / "single.png", "--quiet", "--overwrite"], check=True)
        check((work / "single.png").read_bytes() == (work / f"o{i * 5}.png").read_bytes(), i)


TESTS = {name[5:]: test for name, test in list(globals().items()) if name.startswith("test_")}

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))

# SPDX-License-Identifier: MIT
"""batch.py TILEWRIGHT WORK [--rounds N] [options of batch]: what bench/batch.sh calls. WORK/pages holds the pages. Prints one line of
Markdown for each way; rounds are interleaved, the quickest of each counts."""
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path


def run(command, lines=None):
    """Wall clock, peak in MiB by the kernel, what was printed."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE if lines else subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if lines:
        process.stdin.write(lines)
        process.stdin.close()
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: {' '.join(map(str, command))}: exit code {process.returncode}: {text[-300:]}")
    return time.monotonic() - start, usage.ru_maxrss / 1024, text


def figures(total, latencies, peak):
    latencies = sorted(latencies)
    return total, sum(latencies) / len(latencies), latencies[-(-len(latencies) * 95 // 100) - 1], peak


def single(program, pages, out, _):
    start, runs = time.monotonic(), []
    for page in pages:
        runs.append(run([program, "upscale", page, out / page.name, "--quiet"]))
    return figures(time.monotonic() - start, [r[0] for r in runs], max(r[1] for r in runs))


def folder(program, pages, out, _):
    total, peak, text = run([program, "upscale", pages[0].parent, out, "--quiet", "--json"])
    return figures(total, [r["seconds"] for r in json.loads(text)["results"]], peak)


def batch(program, pages, out, options):
    lines = "".join(json.dumps({"cmd": "run", "id": p.name, "op": "upscale", "input": str(p), "output": str(out / p.name)}) + "\n" for p in pages)
    total, _, text = run([program, "batch", "--quiet", *options], lines)
    events = [json.loads(line) for line in text.splitlines()]
    return figures(total, [e["seconds"] for e in events if e["event"] == "result"], events[-1]["peak_bytes"] / 1048576)


def main():
    program, work, words = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    rounds = int(words.pop(words.index("--rounds") + 1)) if "--rounds" in words else 3
    words = [word for word in words if word != "--rounds"]
    pages = sorted((work / "pages").iterdir())
    ways = [("one run per page", single, []), ("`upscale IN OUT`, a folder", folder, []), ("`batch --jobs 1`", batch, ["--jobs", "1"]),
            ("**`batch`**", batch, []), ("`batch --threads 1`", batch, ["--threads", "1"]), ("`batch --memory 160M`", batch, ["--memory", "160M"])]
    best = {}
    for number in range(rounds + 1):  # the first one is not counted: it reads the files and lets tilewright keep its speeds
        for name, way, options in ways:
            out = work / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            done = way(program, pages, out, options + words)
            if number > 0 and (name not in best or done[0] < best[name][0]):
                best[name] = done
        print(f"bench: round {number} of {rounds}", file=sys.stderr, flush=True)
    print(f"{len(pages)} pages:\n\n| | pages/s | mean latency, s | p95, s | peak MiB |\n|---|---|---|---|---|")
    for name, (total, mean, p95, peak) in best.items():
        print(f"| {name} | {len(pages) / total:.2f} | {mean:.2f} | {p95:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()

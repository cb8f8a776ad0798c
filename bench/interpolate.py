# SPDX-License-Identifier: MIT
"""interpolate.py TILEWRIGHT MODEL FOLDER: times the pair a.png, b.png of the folder whole and in tiles; see interpolate.sh."""
import json
import os
import subprocess
import sys

CASES = [("whole", ["--schedule", "whole"]), ("plan", []), ("tile 512", ["--tile", "512"]), ("tile 256", ["--tile", "256"]),
         ("tile 192", ["--tile", "192"]), ("400M", ["--memory", "400M"])]


def run(program, model, folder, name, options):
    out = f"{folder}/{name.replace(' ', '-')}.png"
    command = [program, "interpolate", f"{folder}/a.png", f"{folder}/b.png", out, "--model", model, "--threads", "1", "--json",
               "--quiet", "--scene-cut", "0", "--compression", "1", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name}: exit status {status}")
    return json.loads(text), usage.ru_utime + usage.ru_stime, out


def main(program, model, folder):
    print(f"{'case':10} {'tile':>11} {'seconds':>8} {'ratio':>6} {'peak MiB':>9} {'planned':>8} {'largest difference':>19}")
    whole = None
    for name, options in CASES:
        runs = [run(program, model, folder, name, options + (["--overwrite"] if i else [])) for i in range(3)]
        report, _, out = runs[0]
        seconds = min(one[1] for one in runs)
        if whole is None:
            whole = (seconds, out)
        compared = subprocess.run([program, "compare", whole[1], out, "--json", "--quiet"], stdout=subprocess.PIPE, check=True)
        apart = json.loads(compared.stdout)["max_difference"]
        tile = "x".join(str(n) for n in report["tile"])
        print(f"{name:10} {tile:>11} {seconds:8.2f} {seconds / whole[0]:6.3f} {report['peak_bytes'] / 2**20:9.0f} "
              f"{report['planned_peak_bytes'] / 2**20:8.0f} {apart:14.5f}/255", flush=True)


main(*sys.argv[1:])

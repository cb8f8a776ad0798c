# SPDX-License-Identifier: MIT
"""frames.py TILEWRIGHT PYTHON FOLDER SIZE: one line for each way to make the frame between a.png and b.png of the folder; see frames.sh."""
import os
import subprocess
import sys
import time

CASES = (("tilewright", ()), ("tilewright, 400M", ("--memory", "400M")))


def run(name, size, command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name}: exit status {status}")
    print(f"{size:>10}  {name:28} {time.monotonic() - start:7.1f} s {usage.ru_utime + usage.ru_stime:8.1f} s of processors "
          f"{usage.ru_maxrss / 1024:8.0f} MiB", flush=True)


def main(program, python, folder, size):
    first, last, out = (os.path.join(folder, name) for name in ("a.png", "b.png", "out.png"))
    for name, options in CASES:
        run(name, size, [program, "interpolate", first, last, out, "--overwrite", "--quiet", "--scene-cut", "0", *options])
    run("DIS flow", size, [python, "-B", "models/training/classical.py", first, last, out])


main(*sys.argv[1:])

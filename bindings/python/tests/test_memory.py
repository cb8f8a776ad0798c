# SPDX-License-Identifier: MIT
"""A picture larger than its budget, from a file's array into a file's array, in a child whose peak the kernel tells."""
import json
import subprocess
import sys

import numpy
from pictures import Case

WIDTH, HEIGHT, BUDGET = 4800, 3600, 80
CHILD = f"""
import json, numpy, tilewright

def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) << 10

tilewright.upscale(numpy.zeros((9, 9), numpy.uint8), model=tilewright.Engine(lambda t: t.repeat(2, 0).repeat(2, 1), 2))  # all is loaded
source = numpy.load("in.npy", mmap_mode="r")
out = numpy.lib.format.open_memmap("out.npy", "w+", numpy.uint8, (2 * {HEIGHT}, 2 * {WIDTH}, 3))
before = status("VmRSS:")
engine = tilewright.Engine(lambda t: t.repeat(2, 0).repeat(2, 1), 2, thread_safe=True)
report = tilewright.run("upscale", source, out=out, model=engine, memory="{BUDGET}M").report
print(json.dumps([before, status("VmHWM:"), report["planned_peak_bytes"], report["seconds"]]))
"""


class Memory(Case):
    def test_bounded(self):
        source = numpy.lib.format.open_memmap(self.path("in.npy"), "w+", numpy.uint8, (HEIGHT, WIDTH, 3))
        random = numpy.random.default_rng(3)
        for y in range(0, HEIGHT, 100):
            source[y:y + 100] = random.integers(0, 256, (100, WIDTH, 3), numpy.uint8)
        source.flush()
        done = subprocess.run([sys.executable, "-c", CHILD], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        before, peak, planned, seconds = json.loads(done.stdout)
        arrays = 5 * WIDTH * HEIGHT * 3
        print(f"\n{WIDTH}x{HEIGHT} to {2 * WIDTH}x{2 * HEIGHT}: {before >> 20} MiB before, peak {peak >> 20}, planned {planned >> 20}, "
              f"both arrays {arrays >> 20} MiB, {seconds:.1f} s")
        self.assertLessEqual(planned, BUDGET << 20)
        # The plan's 44 MiB of program and libraries are there before; mapped pages and the interpreter may take 20 besides the rest.
        self.assertLess(peak - before, planned - (24 << 20))
        self.assertLess(peak, arrays // 2)
        out = numpy.load(self.path("out.npy"), mmap_mode="r")
        for y, x in ((0, 0), (1331, 1953), (HEIGHT - 40, WIDTH - 40)):
            part = source[y:y + 40, x:x + 40].repeat(2, 0).repeat(2, 1)
            self.same(numpy.asarray(out[2 * y:2 * y + 80, 2 * x:2 * x + 80]), numpy.asarray(part))

# SPDX-License-Identifier: MIT
"""What `make bench` measures: the cases of each net, and how each program is called for them."""
import os
import subprocess
from collections import namedtuple
from pathlib import Path

# program: whose name it bears in the table. options: of that program. tile: core in input pixels, empty for the whole picture.
Case = namedtuple("Case", "name program options threads tile", defaults=(2, ()))
# compared: in which samples results are compared, "float" or "8 bit". The first case is what the others are measured against.
Group = namedtuple("Group", "model picture compared cases")

HERE = Path(__file__).parent
ONNX = ("onnxruntime", "openvino", "openvino-bf16")
WHOLE = Case("whole", "tilewright", ("--schedule", "whole"))
PLAN = Case("plan", "tilewright", ())


def plain(program, threads, tile=()):
    """A peer without a plan: the whole picture, or TILE = side of the core, context."""
    name = f"tile {tile[0]}, context {tile[1]}" if tile else "whole"
    return Case(f"{program}, {name}, {threads} thread{'s' * (threads > 1)}", program, (), threads, tile)


GROUPS = (
    Group("photo-2x", "photo", "float", (
        WHOLE,
        PLAN,
        Case("plan, 256M", "tilewright", ("--memory", "256M")),
        Case("tile 200, halo 10", "tilewright", ("--tile", "200", "--halo", "10")),
    )),
    Group("realesr-animevideov3-x4", "photo", "float", (
        WHOLE,
        PLAN,
        Case("plan, 256M", "tilewright", ("--memory", "256M")),
        Case("tile 200, halo 10", "tilewright", ("--tile", "200", "--halo", "10")),
        plain("ncnn", 1),
        plain("ncnn", 2),
        plain("ncnn", 1, (200, 10)),
        plain("ncnn", 2, (200, 10)),
        plain("onnxruntime", 2),
        plain("onnxruntime", 2, (200, 10)),
        plain("openvino", 2),
        plain("openvino", 2, (200, 10)),
        plain("openvino-bf16", 2),
    )),
    Group("realesrgan-x4plus-anime", "small", "float", (
        WHOLE,
        PLAN,
        Case("plan, 256M", "tilewright", ("--memory", "256M")),
        plain("ncnn", 2),
        plain("ncnn", 1, (192, 10)),
        plain("ncnn", 2, (192, 10)),
        plain("openvino", 2),
        plain("openvino", 2, (192, 10)),
    )),
    Group("realcugan-2x-se-conservative", "photo", "8 bit", (
        WHOLE,
        PLAN,
        Case("plan, 256M", "tilewright", ("--memory", "256M")),
        Case("realcugan-ncnn-vulkan, one tile", "realcugan", ("-c", "0", "-t", "2000")),
        *(Case(f"realcugan-ncnn-vulkan, -c {mode}", "realcugan", ("-c", str(mode))) for mode in range(4)),
    )),
)


class Programs:
    """How each program is called: (group, case, input, output) -> command. Cases of those that are not there are left out."""

    def __init__(self, tilewright, work, peer, realcugan, python):
        models = Path(os.environ["TILEWRIGHT_MODELS"])
        self.work, self.models, self.python = work, models, python
        self.calls = {"tilewright": lambda g, c, i, o: [
            tilewright, "upscale", i, o, "--model", g.model, "--overwrite", "--quiet", "--json", "--tiff-compression", "none",
            *c.options]}
        if peer:
            self.calls["ncnn"] = lambda g, c, i, o: [peer, models / f"{g.model}.param", i, o, c.threads, *c.tile]
        if realcugan:
            folder = Path(realcugan).parent / "models-se"
            self.calls["realcugan"] = lambda g, c, i, o: [
                realcugan, "-i", i, "-o", o, "-m", folder, "-s", 2, "-n", -1, "-g", -1, *c.options]
        for name in ONNX if python else ():
            self.calls[name] = lambda g, c, i, o: [
                python, "-B", HERE / "peer_onnx.py", c.program, work / f"{g.model}.onnx", i, o, c.threads, *c.tile]

    def prepare(self, group):
        """The net as ONNX, for those that want it so."""
        if self.python and any(case.program in ONNX for case in group.cases):
            subprocess.run([self.python, "-B", HERE / "convert.py", self.models / f"{group.model}.param",
                            self.work / f"{group.model}.onnx"], check=True)

    def timed(self, group, case):
        """Command of a timed run: 8 bit in and out; uncompressed, but PNG where a peer takes nothing else."""
        suffix = "png" if group.compared == "8 bit" else "ppm"
        source, target = self.work / f"{group.picture}.{suffix}", self.work / f"out.{suffix}"
        return list(map(str, self.calls[case.program](group, case, source, target)))

    def checked(self, group, case, target):
        """Command of the run whose result is compared, and its file: float, before any rounding, where the program can."""
        source = self.work / group.picture
        if group.compared == "8 bit":
            pair = source.with_suffix(".png"), target.with_suffix(".png")
        elif case.program == "tilewright":
            pair = source.with_suffix(".tif"), target.with_suffix(".tif")
        else:
            pair = source.with_suffix(".ppm"), target.with_suffix(".raw")
        return list(map(str, self.calls[case.program](group, case, *pair))), pair[1]

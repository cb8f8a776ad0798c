# SPDX-License-Identifier: MIT
"""What the tests share: pictures that are the same everywhere, files of them, the command, engines."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy
import SimpleITK

import tilewright

PROGRAM = os.environ["TILEWRIGHT_PROGRAM"]
WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}
TFM = ("#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
       "Parameters: {}\nFixedParameters: 0 0\n")


def picture(height, width, bands=3, dtype="uint8", seed=1):
    """Slopes, waves and grain; bands 0: two axes."""
    y, x = numpy.mgrid[:height, :width]
    random = numpy.random.default_rng(seed)
    layers = [0.5 + 0.3 * numpy.sin(x / (7 + 3 * b) + y / (11 - b)) + 0.1 * random.random((height, width))
              for b in range(max(bands, 1))]
    samples = numpy.stack(layers, 2) * WHITE[dtype]
    if dtype != "float32":
        samples = numpy.rint(samples)
    samples = samples.astype(dtype)
    return samples[:, :, 0] if bands == 0 else samples


def texture(height, width, seed=2):
    """Blobs of many sizes, which registration finds again; uint8, two axes."""
    random = numpy.random.default_rng(seed)
    total = numpy.zeros((height, width))
    for step in (4, 9, 20):
        coarse = random.random((height // step + 3, width // step + 3))
        y, x = numpy.arange(height) / step, numpy.arange(width) / step
        y0, x0 = y.astype(int), x.astype(int)
        v, u = (y - y0)[:, None], (x - x0)[None, :]
        v, u = v * v * (3 - 2 * v), u * u * (3 - 2 * u)
        rows = coarse[y0] * (1 - v) + coarse[y0 + 1] * v
        total += rows[:, x0] * (1 - u) + rows[:, x0 + 1] * u
    return numpy.rint(255 * (total - total.min()) / (total.max() - total.min())).astype(numpy.uint8)


def twice(tile):
    return tile.repeat(2, 0).repeat(2, 1)


def mean3(tile):
    """Of 3x3 pixels, edges repeated: looks one pixel far."""
    padded = numpy.pad(tile, ((1, 1), (1, 1), (0, 0)), "edge")
    height, width = tile.shape[:2]
    parts = [padded[v:v + height, u:u + width] for v in range(3) for u in range(3)]
    return sum(parts[1:], parts[0]) / numpy.float32(9)


def read(path):
    """Samples of a file, by SimpleITK."""
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def write(path, array):
    image = SimpleITK.GetImageFromArray(array, isVector=array.ndim == 3)
    SimpleITK.WriteImage(image, str(path))


def command(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{words}: {done.returncode}: {done.stderr}")
    return done.stdout


class Case(unittest.TestCase):
    """In an empty folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tilewright-python-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name):
        return self.folder / name

    def same(self, have, want):
        self.assertEqual((have.shape, have.dtype), (want.shape, want.dtype))
        numpy.testing.assert_array_equal(have, want)

    def fails(self, kind, text, function, *arguments, **keywords):
        with self.assertRaises(kind) as caught:
            function(*arguments, **keywords)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))
        if isinstance(caught.exception, tilewright.Error):
            self.assertEqual(caught.exception.code, kind.code)
        return caught.exception

    def affine(self, name, a, b, c, d, tx, ty):
        """A field: (x, y) -> (a x + b y + tx, c x + d y + ty)."""
        path = self.path(name)
        path.write_text(TFM.format(f"{a} {b} {c} {d} {tx} {ty}"))
        return path

# SPDX-License-Identifier: MIT
"""Arrays in and out: the same samples as the command writes, whatever kind of array they are."""
import os

import numpy
import tilewright
from pictures import WHITE, Case, command, mean3, picture, read, twice, write

DOUBLE = tilewright.Engine(twice, 2, thread_safe=True)


class Command(Case):
    """`tilewright.upscale(array)` is what the command makes of the same picture, decoded by somebody else."""

    def check(self, array, suffix, **options):
        source, result = self.path("in" + suffix), self.path("out" + suffix)
        write(source, array)
        self.same(read(source), array)
        words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
        command("upscale", source, result, "--quiet", *words)
        self.same(tilewright.upscale(array, **options), read(result))

    def test_png(self):
        self.check(picture(90, 130), ".png")

    def test_png_alpha(self):
        self.check(picture(61, 77, 4), ".png", tile="32")

    def test_png_16_bit(self):
        self.check(picture(70, 90, 3, "uint16"), ".png", memory="100M")

    def test_png_grey(self):
        self.check(picture(70, 90, 0), ".png", scale="3")

    def test_tiff_float(self):
        self.check(picture(70, 90, 0, "float32"), ".tif")

    def test_warp(self):
        array, field = picture(120, 150), self.affine("f.tfm", 0.9, 0.1, -0.1, 1.1, 5, -3)
        write(self.path("in.png"), array)
        command("warp", self.path("in.png"), self.path("out.png"), "--field", field, "--size", "140x100", "--quiet")
        self.same(tilewright.warp(array, field=field, size=(140, 100)), read(self.path("out.png")))


class Kinds(Case):
    """Every type and shape, against numpy."""

    def test_types_and_shapes(self):
        for dtype in ("uint8", "uint16", "float32"):
            for bands in range(5):
                with self.subTest(dtype=dtype, bands=bands):
                    array = picture(50, 66, bands, dtype)
                    result = tilewright.upscale(array, model=DOUBLE, tile=16)
                    self.assertEqual((result.shape[2:], result.dtype), (array.shape[2:], array.dtype))
                    if bands in (2, 4):  # alpha goes another way: it is resampled, not seen by nets
                        self.assertLess(numpy.abs(result[..., -1] / 1.0 - twice(array)[..., -1]).max(), 0.06 * WHITE[dtype])
                        result, array = result[..., :-1], array[..., :-1]
                    if dtype == "float32":
                        numpy.testing.assert_allclose(result, twice(array), rtol=0, atol=2e-6)
                    else:
                        self.same(result, twice(array))

    def test_one_pixel(self):
        array = numpy.full((1, 1, 3), 77, numpy.uint8)
        self.same(tilewright.upscale(array, model=DOUBLE), twice(array))

    def test_views(self):
        """Strides, byte order and read-only arrays change nothing; the input stays as it was."""
        array = picture(60, 80)
        plain = tilewright.upscale(array, model=DOUBLE)
        wide = numpy.zeros((60, 200, 3), numpy.uint8)
        wide[:, 50:130] = array
        for name, view in {"part of rows": wide[:, 50:130], "turned": numpy.ascontiguousarray(array[::-1])[::-1],
                           "bgr": numpy.ascontiguousarray(array[..., ::-1])[..., ::-1],
                           "planes": numpy.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0)}.items():
            with self.subTest(name):
                view.flags.writeable = False
                before = view.copy()
                self.same(tilewright.upscale(view, model=DOUBLE), plain)
                self.same(view, before)
        deep = picture(30, 40, 3, "uint16")
        self.same(tilewright.upscale(deep.astype(">u2"), model=DOUBLE), twice(deep))

    def test_refused(self):
        for value, text in ((numpy.zeros((3, 4)), "float64"), (numpy.zeros((3, 4), numpy.int8), "int8"),
                            (numpy.zeros(7, numpy.uint8), "(7,)"), (numpy.zeros((3, 4, 65), numpy.uint8), "(3, 4, 65)"),
                            (numpy.zeros((3, 4, 3, 1), numpy.uint8), "(3, 4, 3, 1)"), (None, "0 given")):
            with self.subTest(text):
                self.fails(tilewright.UsageError, text, tilewright.upscale, value)
        five = numpy.zeros((8, 8, 5), numpy.uint8)
        for name, arrays in {"upscale": 1, "interpolate": 2, "register": 2, "compare": 2}.items():
            self.fails(tilewright.InputError, "5 bands; 1 to 4 are supported", getattr(tilewright, name), *[five] * arrays)
        self.fails(tilewright.InputError, "0 x 4 pixels", tilewright.upscale, numpy.zeros((4, 0, 3), numpy.uint8))


class Out(Case):
    def setUp(self):
        super().setUp()
        self.array = picture(60, 80)
        self.want = twice(self.array)

    def test_into_an_array(self):
        out = numpy.zeros_like(self.want)
        self.assertIs(tilewright.upscale(self.array, out, model=DOUBLE), out)
        self.same(out, self.want)

    def test_into_a_view(self):
        for name, view in {"part": numpy.zeros((300, 400, 3), numpy.uint8)[100:220, 9:169],
                           "bgr": numpy.zeros((120, 160, 3), numpy.uint8)[..., ::-1],
                           "planes": numpy.zeros((3, 120, 160), numpy.uint8).transpose(1, 2, 0)}.items():
            with self.subTest(name):
                self.assertIs(tilewright.upscale(self.array, out=view, model=DOUBLE), view)
                self.same(view, self.want)
                base = view.base
                self.assertEqual(int(base.astype(int).sum()), int(self.want.astype(int).sum()))  # nothing beside it

    def test_grey_axes(self):
        grey = picture(20, 30, 0)
        for shape in ((40, 60), (40, 60, 1)):
            out = numpy.zeros(shape, numpy.uint8)
            tilewright.upscale(grey, out=out, model=DOUBLE)
            self.same(out.reshape(40, 60), twice(grey))

    def test_into_a_function(self):
        parts = []
        report = tilewright.upscale(self.array, out=lambda y, rows: parts.append((y, rows)), model=DOUBLE, tile=16)
        self.assertEqual((report["width"], report["height"], report["output"]), (160, 120, None))
        self.assertGreater(len(parts), 1)
        self.assertEqual([y for y, _ in parts], list(numpy.cumsum([0] + [len(rows) for _, rows in parts[:-1]])))
        self.same(numpy.concatenate([rows for _, rows in parts]), self.want)

    def test_into_a_file(self):
        report = tilewright.upscale(self.array, self.path("a.png"), model=DOUBLE)
        self.assertEqual((report["output"], report["input"]), (str(self.path("a.png")), ["array"]))
        self.same(read(self.path("a.png")), self.want)
        self.fails(tilewright.UsageError, "exists already", tilewright.upscale, self.array, self.path("a.png"), model=DOUBLE)
        tilewright.upscale(self.array, self.path("a.png"), model=DOUBLE, overwrite=True)

    def test_from_files_and_bytes(self):
        write(self.path("in.png"), self.array)
        self.same(tilewright.upscale(str(self.path("in.png")), model=DOUBLE), self.want)
        self.same(tilewright.upscale(self.path("in.png").read_bytes(), model=DOUBLE), self.want)
        self.same(tilewright.upscale(os.fsencode(self.path("in.png")).decode(), model=DOUBLE), self.want)

    def test_refused(self):
        for out, text in ((numpy.zeros((120, 161, 3), numpy.uint8), "(120, 160, 3)"),
                          (numpy.zeros((120, 160, 3), numpy.uint16), "uint16"), (numpy.zeros((120, 160), numpy.uint8), "(120, 160)"),
                          (7, "int")):
            self.fails(tilewright.UsageError, text, tilewright.upscale, self.array, out=out, model=DOUBLE)
        sealed = numpy.zeros((120, 160, 3), numpy.uint8)
        sealed.flags.writeable = False
        self.fails(tilewright.UsageError, "read-only", tilewright.upscale, self.array, out=sealed, model=DOUBLE)
        self.assertFalse(sealed.any())

    def test_maps(self):
        """Arrays that lie in files, either way; a map that is private is left alone."""
        source = numpy.lib.format.open_memmap(self.path("in.npy"), "w+", numpy.uint8, (60, 80, 3))
        source[...] = self.array
        out = numpy.lib.format.open_memmap(self.path("out.npy"), "w+", numpy.uint8, (120, 160, 3))
        self.assertIs(tilewright.upscale(source, out, model=DOUBLE, tile=16), out)
        out.flush()
        self.same(numpy.load(self.path("out.npy")), self.want)
        private = numpy.load(self.path("in.npy"), mmap_mode="c")
        private[0, 0] = 0
        self.same(tilewright.upscale(private, model=DOUBLE)[0, 0], numpy.zeros(3, numpy.uint8))
        self.assertEqual(int(private[0, 0].sum()), 0)

    def test_blur_equals_the_whole(self):
        """An engine that looks one pixel far, in small tiles, against numpy on the whole picture."""
        array = picture(150, 190, 3, "float32")
        engine = tilewright.Engine(mean3, overlap=1)
        numpy.testing.assert_allclose(tilewright.upscale(array, model=engine, tile=(40, 24)), mean3(array), rtol=0, atol=2e-6)

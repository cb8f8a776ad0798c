# SPDX-License-Identifier: MIT
"""Registering and warping arrays, and fields to SimpleITK and back."""
import numpy
import SimpleITK
import tilewright
from pictures import Case, texture

WIDTH, HEIGHT = 420, 340
# moving(M p + t) = fixed(p): the map that register is to find
M, T = numpy.array([[0.995, -0.06], [0.06, 0.995]]), numpy.array([12.5, -7.25])


class Fields(Case):
    def setUp(self):
        super().setUp()
        self.fixed = texture(HEIGHT, WIDTH)
        inverse = numpy.linalg.inv(M)
        back = self.affine("back.tfm", *inverse.ravel(), *(-inverse @ T))
        self.moving = tilewright.warp(self.fixed, field=back, outside="mirror")
        self.known = self.affine("known.tfm", *M.ravel(), *T)

    def test_register_and_warp(self):
        report = tilewright.register(self.fixed, self.moving, field=self.path("found.tfm"))
        self.assertEqual((report["op"], report["input"]), ("register", ["array 1", "array 2"]))
        found = SimpleITK.ReadTransform(str(self.path("found.tfm")))
        points = [(float(x), float(y)) for x in range(60, WIDTH - 60, 30) for y in range(60, HEIGHT - 60, 30)]
        errors = [numpy.linalg.norm(numpy.array(found.TransformPoint(p)) - (M @ p + T)) for p in points]
        print(f"\nregister through arrays: median error {numpy.median(errors):.3f} px, largest {max(errors):.3f}")
        self.assertLess(numpy.median(errors), 0.1)
        self.assertLess(max(errors), 0.5)
        again = tilewright.warp(self.moving, field=self.path("found.tfm"))
        self.assertEqual(again.shape, self.fixed.shape)
        inner = numpy.s_[50:-50, 50:-50]
        psnr = tilewright.compare(numpy.ascontiguousarray(again[inner]), numpy.ascontiguousarray(self.fixed[inner]))["psnr"]
        unregistered = tilewright.compare(numpy.ascontiguousarray(self.moving[inner]), numpy.ascontiguousarray(self.fixed[inner]))
        print(f"PSNR {psnr:.1f} dB, before {unregistered['psnr']:.1f}")
        self.assertGreater(psnr, 38)
        self.assertLess(unregistered["psnr"], 25)

    def test_warped_goes_on_from_arrays(self):
        """`warped` reads the moving array once more, in a job of its own."""
        tilewright.register(self.fixed, self.moving, field=self.path("f.tfm"), warped=self.path("w.png"), transform="affine")
        self.same(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(self.path("w.png")))),
                  tilewright.warp(self.moving, field=self.path("f.tfm"), size=(WIDTH, HEIGHT)))

    def test_same_field_as_from_files(self):
        for name, array in (("a.png", self.fixed), ("b.png", self.moving)):
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(self.path(name)))
        tilewright.register(self.fixed, self.moving, field=self.path("arrays.tfm"), transform="affine")
        tilewright.register(self.path("a.png"), self.path("b.png"), field=self.path("files.tfm"), transform="affine")
        self.assertEqual(self.path("arrays.tfm").read_text(), self.path("files.tfm").read_text())

    def test_simpleitk_resamples_alike(self):
        ours = tilewright.warp(self.moving.astype(numpy.float32), field=self.known, interpolate="bilinear")
        transform = SimpleITK.ReadTransform(str(self.known))
        image = SimpleITK.GetImageFromArray(self.moving.astype(numpy.float32))
        theirs = SimpleITK.GetArrayFromImage(SimpleITK.Resample(image, image, transform, SimpleITK.sitkLinear, 0.0))
        inner = numpy.s_[30:-30, 30:-30]
        largest = float(numpy.abs(ours[inner] - theirs[inner]).max())
        print(f"\nbilinear against SimpleITK: largest difference {largest:.2g} of 255")
        self.assertLess(largest, 0.01)

    def test_many_bands(self):
        """Each band of many becomes what it becomes alone."""
        for bands, dtype in ((5, numpy.uint16), (64, numpy.float32)):
            array = numpy.stack([texture(60, 80, seed) for seed in range(bands)], 2).astype(dtype)
            result = tilewright.warp(array, field=self.known)
            self.assertEqual((result.shape, result.dtype), (array.shape, array.dtype))
            for band in range(0, bands, 9):
                self.same(result[..., band], tilewright.warp(array[..., band], field=self.known))
        self.fails(tilewright.UsageError, "TIFF can", tilewright.warp, array, self.path("many.png"), field=self.known)

    def test_round_trip(self):
        """A lattice from SimpleITK warps here; what SimpleITK writes of our file warps as ours does."""
        grid = SimpleITK.BSplineTransformInitializer(SimpleITK.GetImageFromArray(self.fixed), [6, 5], 3)
        random = numpy.random.default_rng(4)
        grid.SetParameters(random.uniform(-4, 4, len(grid.GetParameters())).tolist())
        SimpleITK.WriteTransform(grid, str(self.path("grid.tfm")))
        picture = self.fixed.astype(numpy.float32) / 255
        ours = tilewright.warp(picture, field=self.path("grid.tfm"), interpolate="bilinear")
        image = SimpleITK.GetImageFromArray(picture)
        theirs = SimpleITK.GetArrayFromImage(SimpleITK.Resample(image, image, grid, SimpleITK.sitkLinear, 0.0))
        inner = numpy.s_[20:-20, 20:-20]
        self.assertLess(float(numpy.abs(ours[inner] - theirs[inner]).max()), 1e-4)
        tilewright.register(self.fixed, self.moving, field=self.path("found.tfm"), spacing=64)
        SimpleITK.WriteTransform(SimpleITK.ReadTransform(str(self.path("found.tfm"))), str(self.path("again.tfm")))
        once = tilewright.warp(self.moving, field=self.path("found.tfm"))
        again = tilewright.warp(self.moving, field=self.path("again.tfm"))
        self.assertLessEqual(int(numpy.abs(once.astype(int) - again).max()), 1)
        self.assertLess(float((once != again).mean()), 0.001)

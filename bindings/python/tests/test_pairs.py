# SPDX-License-Identifier: MIT
"""Engines of two frames. A library without them says so; one that has them (its table tells) must give what they give."""
import numpy
import tilewright
from pictures import Case, texture

PAIRS = "interpolate" in tilewright.operators() and "sample_steps" in tilewright.interpolate.__signature__.parameters


def frames():
    """Two frames, the second moved by 6 pixels, alike enough for one scene."""
    whole = texture(300, 420)
    return [numpy.ascontiguousarray(numpy.repeat(whole[:, at:at + 400, None], 3, 2)) for at in (0, 6)]


class Pairs(Case):
    def test_frame_between(self):
        seen = []

        def blend(a, b, place):
            seen.append((a.shape == b.shape, a.dtype, place.time, place.noise is None))
            return (1 - place.time) * a + place.time * b

        engine = tilewright.PairEngine(blend, tile=128, overlap=32)
        if not PAIRS:
            self.fails(tilewright.UsageError, "size", tilewright.Session().add_engine, "blend", engine)
            return
        first, second = frames()
        middle = tilewright.interpolate(first, second, model=engine)
        self.assertEqual((middle.shape, middle.dtype), (first.shape, first.dtype))
        self.assertGreater(len(seen), 4)
        self.assertEqual(set(seen), {(True, numpy.dtype(numpy.float32), 0.5, True)})
        # Moved by half of the way: nearer to that than the mean of both frames is.
        want = numpy.repeat(texture(300, 420)[:, 3:403, None], 3, 2).astype(float)[40:-40, 40:-40]
        off = numpy.abs(middle[40:-40, 40:-40] - want).mean()
        mean = numpy.abs((first.astype(float) + second)[40:-40, 40:-40] / 2 - want).mean()
        print(f"\nframe between: {off:.2f} levels off on average, the mean of both frames {mean:.2f}")
        self.assertLess(off, mean / 2)

    def test_failing(self):
        engine = tilewright.PairEngine(lambda a, b, place: a[1:])
        if not PAIRS:
            self.fails(tilewright.UsageError, "size", tilewright.Session().add_engine, "bad", engine)
            return
        error = self.fails(tilewright.RunError, "failed", tilewright.interpolate, *frames(), model=engine)
        self.assertIn("is needed", str(error.__cause__))

    def test_noise_and_steps(self):
        seen = []

        def noisy(a, b, place):
            seen.append((place.noise.shape == (2, a.shape[0] // 4, a.shape[1] // 4), place.seed, place.steps))
            return (a + b) / 2 + 0.02 * place.noise[0].repeat(4, 0).repeat(4, 1)[..., None]

        engine = tilewright.PairEngine(noisy, tile=128, overlap=32, steps=7, noise_channels=2, noise_stride=4)
        if not PAIRS:
            self.fails(tilewright.UsageError, "size", tilewright.Session().add_engine, "noisy", engine)
            return
        once, again = (tilewright.interpolate(*frames(), model=engine, seed=5) for _ in range(2))
        self.same(once, again)
        self.assertEqual(set(seen), {(True, 5, 7)})
        self.assertGreater(int((once != tilewright.interpolate(*frames(), model=engine, seed=6)).sum()), 1000)

# SPDX-License-Identifier: MIT
"""Engines: functions from tile to tile, or from two tiles to one, in place of a net."""
import ctypes
from dataclasses import dataclass

import numpy

from . import _errors, _library


class _Callbacks:
    """What both kinds share: how they are tiled, and that nothing they raise passes into C."""

    failure = None  # what the function raised last

    def __init__(self, function, scale, overlap, tile, multiple, exact, bytes_per_pixel, thread_safe, close):
        self.function, self.scale, self.thread_safe, self.on_close = function, int(scale), thread_safe, close
        self.overlap, self.tile, self.multiple = int(overlap), int(tile), int(multiple)
        self.exact, self.bytes_per_pixel = bool(exact), int(bytes_per_pixel)

    def _call(self, out, shape, compute):
        """Puts what `compute` gives to `out`; 0, or 1 when it raised."""
        try:
            result = numpy.asarray(compute())
            if result.shape != shape:
                raise _errors.UsageError(f"engine: a tile came back as {result.shape}; {shape} is needed")
            numpy.ctypeslib.as_array(out, shape)[...] = result
            return 0
        except BaseException as exception:
            self.failure = exception
            return 1

    def _configure(self, _user, config):
        config = config.contents
        config.tile, config.overlap, config.multiple = self.tile, self.overlap, self.multiple
        config.inexact = not self.exact
        # Besides what the library counts: the copies that the function gets, and what it makes.
        config.bytes_per_pixel = (self.bytes_per_pixel or 64) + 12 * (self.copies + self.scale ** 2)

    def _closed(self, _user):
        if self.on_close is not None:
            self.on_close()


def _tile(pointer, shape):
    return numpy.ctypeslib.as_array(pointer, shape).copy()  # who kept a view would read freed memory


class Engine(_Callbacks):
    """A function in place of a net: `function(tile)` gets (height, width, 3) float32, RGB, 1 is white, and returns
    (height * scale, width * scale, 3). The tile is the function's own, to be changed or kept; the result is copied. numpy arrays, CPU
    tensors and whatever numpy.asarray takes may be returned.

    scale: enlargement, a whole number. overlap: input pixels that the function looks sideways; where it covers all, tiles give what the
    whole picture would. tile: preferred side, 0: the plan's. multiple: sides of tiles are multiples of it. exact=False: results
    depend on the tile (attention, statistics): neighbours are blended, and the report says so. bytes_per_pixel: memory that a call
    needs for each input pixel besides the tile and its result, for the plan; 0: 64. thread_safe: several calls at once are allowed.
    close: called without arguments when the engine is closed.

    Called from threads of the library's, one call at a time unless thread_safe. Pass it as `model=` to run it once, or give it a
    name in a session (Session.add_engine)."""

    copies = 1

    def __init__(self, function, scale=1, *, overlap=0, tile=0, multiple=1, exact=True, bytes_per_pixel=0, thread_safe=False,
                 close=None):
        super().__init__(function, scale, overlap, tile, multiple, exact, bytes_per_pixel, thread_safe, close)

    def _process(self, _user, tile, width, height, out):
        shape = (height * self.scale, width * self.scale, 3)
        return self._call(out, shape, lambda: self.function(_tile(tile, (height, width, 3))))

    def callbacks(self):
        """The struct for C, which refers to functions: it must be kept until the engine is closed."""
        return _library.EngineCallbacks(ctypes.sizeof(_library.EngineCallbacks), None, _library.ProcessRgb(self._process),
                                        _library.ScaleFactor(lambda _user: self.scale), _library.Tiling(self._configure),
                                        _library.Close(self._closed), self.thread_safe)


@dataclass
class Place:
    """Where and what a pair of tiles is for. time: 0 the first frame, 1 the second. x, y: of the tile in the plane that is made;
    plane: 0 the frame, 1 the small one of the global pass. noise: (channels, height / stride, width / stride) float32, the same wherever
    tiles overlap, or None. seed, steps: as asked for; steps 0: the engine has none."""

    time: float
    x: int
    y: int
    plane: int
    noise: object
    seed: int
    steps: int


class PairEngine(_Callbacks):
    """A function in place of a net for `interpolate`: `function(a, b, place)` gets two tiles (height, width, 3) float32, RGB, 1 is white,
    and a Place, and returns the frame at place.time, of the same shape. The arrays are the function's own; the result is copied.

    tile: side of what a call is given, 0: 512. overlap: what neighbouring tiles share, 0: an eighth of that. steps: not 0, the function
    reaches its result in steps, so many by default. noise_channels, noise_stride: noise that it takes, and pixels of the frame for
    one sample of it. middle_only: it knows the time 0.5 only. The others, threads and use: as of Engine. UsageError where the library
    in use is older than such engines."""

    copies = 2

    def __init__(self, function, *, overlap=0, tile=0, multiple=1, steps=0, noise_channels=0, noise_stride=1, middle_only=False,
                 bytes_per_pixel=0, thread_safe=False, close=None):
        super().__init__(function, 1, overlap, tile, multiple, False, bytes_per_pixel, thread_safe, close)
        self.steps, self.noise_channels, self.noise_stride = int(steps), int(noise_channels), int(noise_stride)
        self.middle_only = bool(middle_only)

    def _process(self, _user, tile, out):
        pair = tile.contents
        shape, stride = (pair.height, pair.width, 3), max(self.noise_stride, 1)

        def compute():
            noise = None
            if pair.noise:
                noise = _tile(pair.noise, (self.noise_channels, pair.height // stride, pair.width // stride))
            place = Place(pair.time, pair.x, pair.y, pair.plane, noise, pair.seed, pair.steps)
            return self.function(_tile(pair.a, shape), _tile(pair.b, shape), place)

        return self._call(out, shape, compute)

    def _configure_pair(self, _user, config):
        config = config.contents
        config.steps, config.noise_channels, config.noise_stride = self.steps, self.noise_channels, self.noise_stride
        config.middle_only = self.middle_only

    def callbacks(self):
        return _library.PairCallbacks(ctypes.sizeof(_library.PairCallbacks), None, _library.ProcessRgb(), _library.ScaleFactor(),
                                      _library.Tiling(self._configure), _library.Close(self._closed), self.thread_safe,
                                      _library.ProcessPair(self._process), _library.PairConfigure(self._configure_pair))

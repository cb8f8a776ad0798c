# SPDX-License-Identifier: MIT
"""Sessions, which share loaded models, and engines: functions from tile to tile in place of a net."""
import ctypes
import itertools
import sys
import threading
from collections import namedtuple

import numpy

from . import _errors, _library, _operators
from ._job import Job

Result = namedtuple("Result", "pixels report")
Result.__doc__ = """pixels: the array with the result, None where it went to a path or a function, or where there is none; report: a dict."""

_numbers = itertools.count(1)


class Engine:
    """A function in place of a net: `function(tile)` gets (height, width, 3) float32, RGB, 1 is white, and returns
    (height * scale, width * scale, 3). The tile is the function's own, to be changed or kept; the result is copied. numpy arrays, CPU
    tensors and whatever numpy.asarray takes may be returned.

    scale: enlargement, a whole number. overlap: input pixels that the function looks sideways; where it covers all, tiles give what the
    whole picture would. tile: preferred side, 0: the plan's. multiple: sides of tiles are multiples of it. exact=False: results
    depend on the tile (attention, statistics): neighbours are blended, and the report says so. bytes_per_pixel: memory that a call
    needs for each input pixel besides the tile and its result, for the plan; 0: 64. thread_safe: several calls at once are allowed. close: called
    without arguments when the engine is closed.

    Called from threads of the library's, one call at a time unless thread_safe. Pass it as `model=` to run it once, or give it a
    name in a session (Session.add_engine)."""

    def __init__(self, function, scale=1, *, overlap=0, tile=0, multiple=1, exact=True, bytes_per_pixel=0, thread_safe=False,
                 close=None):
        self.function, self.scale, self.thread_safe, self.on_close = function, int(scale), thread_safe, close
        self.overlap, self.tile, self.multiple = int(overlap), int(tile), int(multiple)
        self.exact, self.bytes_per_pixel = bool(exact), int(bytes_per_pixel)
        self.failure = None  # what the function raised last

    def _process(self, _user, tile, width, height, out):
        try:
            given = numpy.ctypeslib.as_array(tile, (height, width, 3)).copy()  # who kept a view would read freed memory
            wanted = (height * self.scale, width * self.scale, 3)
            result = numpy.asarray(self.function(given))
            if result.shape != wanted:
                raise _errors.UsageError(f"engine: a tile of {given.shape} gave {result.shape}; {wanted} is needed")
            numpy.ctypeslib.as_array(out, wanted)[...] = result
            return 0
        except BaseException as exception:  # nothing may pass into C
            self.failure = exception
            return 1

    def _configure(self, _user, config):
        config = config.contents
        config.tile, config.overlap, config.multiple = self.tile, self.overlap, self.multiple
        config.inexact = not self.exact
        config.bytes_per_pixel = (self.bytes_per_pixel or 64) + 12 * (1 + self.scale ** 2)  # the copy, and what the function made

    def _closed(self, _user):
        if self.on_close is not None:
            self.on_close()

    def callbacks(self):
        """The struct for C, which refers to functions: it must be kept until the engine is closed."""
        return _library.EngineCallbacks(ctypes.sizeof(_library.EngineCallbacks), None, _library.ProcessRgb(self._process),
                                        _library.ScaleFactor(lambda _user: self.scale), _library.Tiling(self._configure),
                                        _library.Close(self._closed), self.thread_safe)


class Session:
    """Keeps models loaded from run to run. Any thread; several runs may go on at once. A context manager; operators are its
    methods: `session.upscale(picture)`."""

    def __init__(self):
        self._handle = ctypes.c_void_p()
        self._engines = {}  # name: (Engine, callbacks)
        self._lock = threading.Lock()
        _library.call("tw_session_new", ctypes.byref(self._handle))

    def close(self):
        """Frees models and closes engines. No run may be going on. Again: nothing happens."""
        handle, self._handle = self._handle, ctypes.c_void_p()
        if handle:
            _library.get().tw_session_free(handle)
        self._engines.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None) and not sys.is_finalizing():
            self.close()

    def _open(self):
        if not self._handle:
            raise _errors.UsageError("the session is closed")
        return self._handle

    def add_engine(self, name, engine):
        """Makes an Engine known as `model=name`."""
        callbacks = engine.callbacks()
        _library.call("tw_session_add_engine", self._open(), name.encode(), ctypes.byref(callbacks))
        with self._lock:
            self._engines[name] = (engine, callbacks)

    def close_engine(self, name):
        """UsageError while a run uses it."""
        _library.call("tw_session_close_engine", self._open(), name.encode())
        with self._lock:
            self._engines.pop(name, None)

    def _fill(self, job, inputs, out, options):
        for value in inputs:
            if value is not None:
                job.add_input(value)
        if out is not None or job.op.has_output:
            job.set_output(out)
        for name, value in options.items():
            if value is not None:
                job.set_option(name, value)

    def _do(self, op, inputs, out, options, act):
        handle, operator, model = self._open(), _operators.table().get(op), options.get("model")
        if operator is None:
            raise _errors.UsageError(f"unknown operator {op}")
        if operator.has_output and out is None and len(inputs) == operator.max_inputs + 1:
            *inputs, out = inputs
        engine = model if isinstance(model, Engine) else self._engines.get(model, (None,))[0] if isinstance(model, str) else None
        name = f"engine {next(_numbers)}" if isinstance(model, Engine) else None
        if name:
            self.add_engine(name, engine)
            options = {**options, "model": name}
        if engine:
            engine.failure = None
        try:
            with Job(handle, operator) as job:
                self._fill(job, inputs, out, options)
                return act(job, engine)
        finally:
            if name:
                self.close_engine(name)

    def run(self, op, *inputs, out=None, on_progress=None, on_warning=None, cancel=None, **options):
        """Runs an operator and gives Result(pixels, report).

        inputs: paths; arrays of uint8, uint16 or float32 (white is 255, 65535, 1), (height, width) or (height, width, 1 to 4) for grey,
        grey and alpha, RGB, RGB and alpha; or bytes of an encoded picture. Arrays are read where they lie, unless rows are not
        dense (then a copy is made), and must not change meanwhile.
        out, also as the last of the inputs: None for a new array; an array of the result's shape and type; a path, whose suffix tells the container; or a function
        that gets (y, rows) in order, rows being an (n, width, bands) array of its own.
        options: those of the operator, by their names with _ for -. None: not given.
        on_progress(fraction): 0 to 1, never falling, at most ten times a second. on_warning(line): without it lines become
        TilewrightWarning. Both are called from other threads, one call at a time. What callbacks raise ends the run and is raised.
        cancel: a threading.Event; when it is set, the run ends with Cancelled. Ctrl-C ends it with KeyboardInterrupt.

        The memory budget is for what the library takes: neither arrays nor the interpreter are in it."""

        def act(job, engine):
            job.listen(on_progress, on_warning)
            report = job.run(cancel, engine)
            return Result(job.result, report)

        return self._do(op, inputs, out, options, act)

    def plan(self, op, *inputs, out=None, on_warning=None, **options):
        """What `run` would do: a report, from headers alone. Nothing is written; `out` may be left out."""

        def act(job, _engine):
            job.listen(None, on_warning)
            return job.plan()

        return self._do(op, inputs, out, options, act)

    def __getattr__(self, name):
        if name.startswith("_") or name not in _operators.table():
            raise AttributeError(f"neither a method nor an operator: {name}")
        return _operators.function(_operators.table()[name], self.run)

    def __dir__(self):
        return [*super().__dir__(), *_operators.table()]

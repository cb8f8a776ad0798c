# SPDX-License-Identifier: MIT
"""Sessions, which share loaded models and engines between runs."""
import ctypes
import itertools
import sys
import threading
from collections import namedtuple

from . import _errors, _library, _operators
from ._engine import Engine, PairEngine
from ._job import Job

Result = namedtuple("Result", "pixels report")
Result.__doc__ = "pixels: the array with the result, None where it went to a path or a function, or there is none; report: a dict."

_numbers = itertools.count(1)


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
        """Makes an Engine or PairEngine known as `model=name`."""
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
        own = isinstance(model, (Engine, PairEngine))
        engine = model if own else self._engines.get(model, (None,))[0] if isinstance(model, str) else None
        name = f"engine {next(_numbers)}" if own else None
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
        grey and alpha, RGB, RGB and alpha (warp: up to 64 bands); or bytes of an encoded picture. Arrays are read where they lie, unless rows are not
        dense (then a copy is made), and must not change meanwhile.
        out, also as the last of the inputs: None for a new array; an array of the result's shape and type; a path, whose suffix
        tells the container; or a function that gets (y, rows) in order, rows being an (n, width, bands) array of its own.
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

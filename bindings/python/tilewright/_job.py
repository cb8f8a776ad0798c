# SPDX-License-Identifier: MIT
"""One request: its inputs, its output, its callbacks, and a run that can be broken off."""
import ctypes
import json
import os
import threading
import traceback
import warnings

import numpy

from . import _errors, _library, _operators, _pixels

DROP_BYTES = 4 << 20  # of a mapped result, after which its pages leave memory


class Report(dict):
    """What was planned or done: the members of `tilewright --json` (docs/cli.md). `explanation`: the plan as lines for people."""

    explanation = ""


class Job:
    """Of one thread, but for `cancel`. What callbacks raise ends the run and is raised by it."""

    def __init__(self, session, op):
        self.op = op
        self.handle = ctypes.c_void_p()
        self.keep = []        # what the library reads until the job is freed
        self.maps = []        # file mappings whose pages are dropped as the run goes on
        self.failure = None   # the first exception of a callback
        self.warned = []
        self.result = None    # the array that the result goes to
        self.flat = True      # grey results have two axes
        self.n_inputs = 0
        _library.call("tw_job_new", session, op.name.encode(), ctypes.byref(self.handle))

    def close(self):
        _library.get().tw_job_free(self.handle)
        self.handle = ctypes.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def cancel(self):
        """Any thread."""
        _library.get().tw_job_cancel(self.handle)

    # --- callbacks: called by the library's threads; ctypes takes the interpreter's lock for each call --------------------------

    def _fail(self, exception):
        if self.failure is None:
            self.failure = exception
        self.cancel()

    def _callback(self, kind, function, failed=None):
        """`function` as a C callback, kept as long as the job. What it raises ends the run; C then sees `failed`."""

        def call(_user, *arguments):
            try:
                return function(*arguments)
            except BaseException as exception:  # nothing may pass into C
                self._fail(exception)
                return failed

        callback = kind(call)
        self.keep.append(callback)
        return callback

    def set_option(self, name, value):
        option = self.op.option(name)
        text = _operators.text_of(option, value)
        _library.call("tw_job_set", self.handle, (option.name if option else name.replace("_", "-")).encode(), os.fsencode(text))

    # --- inputs ------------------------------------------------------------------------------------------------------------

    def add_input(self, value):
        label = "array" if self.op.max_inputs == 1 else f"array {self.n_inputs + 1}"
        if isinstance(value, (str, os.PathLike)):
            _library.call("tw_job_input", self.handle, os.fsencode(value))
        elif isinstance(value, (bytes, bytearray)):
            encoded = bytes(value)
            self.keep.append(encoded)
            _library.call("tw_job_input_bytes", self.handle, encoded, len(encoded), b"bytes")
        else:
            array, layout = _pixels.as_input(value, label)
            self.keep.append(array)
            if self.n_inputs == 0:
                self.flat = array.ndim == 2
            mapped = _pixels.shared_map(array)
            if mapped is not None:
                self.maps.append(mapped)
            _library.call("tw_job_input_pixels", self.handle, ctypes.byref(layout), array.ctypes.data, label.encode())
        self.n_inputs += 1

    # --- output ------------------------------------------------------------------------------------------------------------

    def set_output(self, out):
        if isinstance(out, (str, os.PathLike)):
            _library.call("tw_job_output", self.handle, os.fsencode(out))
        elif out is None:
            self._output_pixels(None)
        elif callable(out):
            self._output_rows(lambda result: None, lambda y, rows: out(y, rows.copy()))  # it may keep them
        elif isinstance(out, numpy.ndarray):
            mapped = _pixels.shared_map(out)
            if mapped is None and _pixels.dense_rows(out):
                self._output_pixels(out)
            else:
                self._output_array_rows(out, mapped)
        else:
            raise _errors.UsageError(f"out: {type(out).__name__}; a path, an array, a function or None is taken")

    def _output_pixels(self, out):
        """Straight into an array, by the library."""

        def place(result):
            result = result.contents
            if out is None:
                self.result = numpy.empty(_pixels.shape_of(result, self.flat), _pixels.DTYPES[result.sample])
            else:
                _pixels.check_output(out, result)
                self.result = out
            if result.height > 1:
                result.row_bytes = self.result.strides[0]
            return self.result.ctypes.data

        _library.call("tw_job_output_pixels", self.handle, self._callback(_library.Place, place), None)

    def _output_rows(self, begin, take):
        """Rows as arrays (n, width, bands), valid during the call only."""
        of = {}

        def on_begin(result):
            result = result.contents
            of["row"] = (result.width, result.bands)
            of["dtype"] = _pixels.DTYPES[result.sample]
            of["bytes"] = result.row_bytes
            begin(result)
            return 0

        def on_rows(y, n, pixels):
            buffer = (ctypes.c_char * (n * of["bytes"])).from_address(pixels)
            take(y, numpy.frombuffer(buffer, of["dtype"]).reshape(n, *of["row"]))
            return 0

        _library.call("tw_job_output_rows", self.handle, self._callback(_library.Begin, on_begin, 1),
                      self._callback(_library.Rows, on_rows, 1), None)

    def _output_array_rows(self, out, mapped):
        """Into an array whose rows are not dense, or that lies in a file: then what is written leaves memory at once."""
        view = [None]
        written = [0]
        if mapped is not None:
            self.maps.append(mapped)

        def begin(result):
            view[0] = _pixels.check_output(out, result)
            self.result = out

        def take(y, rows):
            view[0][y:y + len(rows)] = rows
            written[0] += rows.nbytes
            if written[0] >= DROP_BYTES:
                self.drop_pages()
                written[0] = 0

        self._output_rows(begin, take)

    def drop_pages(self):
        """What lies in files stays there; the kernel reads or writes it when it must."""
        for mapped in self.maps:
            mapped.madvise(_pixels.mmap.MADV_DONTNEED)

    # --- running -----------------------------------------------------------------------------------------------------------

    def listen(self, on_progress, on_warning):
        def progress(fraction):
            self.drop_pages()
            if on_progress is not None:
                on_progress(fraction)

        def warn(line):
            (on_warning or self.warned.append)(line.decode("utf-8", "replace"))

        if on_progress is not None or self.maps:
            _library.get().tw_job_on_progress(self.handle, self._callback(_library.Progress, progress), None)
        _library.get().tw_job_on_warning(self.handle, self._callback(_library.Warning, warn), None)

    def _report(self):
        library = _library.get()
        report = Report(json.loads(_library.text(library.tw_job_json(self.handle))))
        report.explanation = _library.text(library.tw_job_explain(self.handle))
        return report

    def plan(self):
        try:
            _library.call("tw_job_plan", self.handle)
        finally:
            self._warn()
        return self._report()

    def run(self, cancel, engine):
        """In a thread of its own, so that Ctrl-C and `cancel` are heard here."""
        outcome, begun, gate, done = [], [], threading.Lock(), threading.Event()

        def work():
            with gate:
                if begun:  # given up before it began
                    return
                begun.append(True)
            try:
                _library.call("tw_job_run", self.handle)
                outcome.append(None)
            except BaseException as exception:
                outcome.append(exception)
            finally:
                done.set()

        thread = threading.Thread(target=work, name="tilewright", daemon=True)
        try:
            thread.start()
            while not done.wait(0.5 if cancel is None else 0.05):
                if cancel is not None and cancel.is_set():
                    self.cancel()
        except BaseException:
            self.cancel()
            with gate:
                running = bool(begun)
                begun.append(False)
            while running and not done.is_set():  # the job is freed afterwards
                try:
                    done.wait()
                except KeyboardInterrupt:
                    pass
            raise
        finally:
            self._warn()
        thread.join()
        self._raise(outcome[0], engine)
        return self._report()

    def _raise(self, exception, engine):
        if self.failure is not None:
            raise self.failure
        if exception is None:
            return
        if isinstance(exception, _errors.RunError) and engine is not None and engine.failure is not None:
            raise exception from engine.failure
        raise exception

    def _warn(self):
        lines, self.warned = self.warned, []
        for line in lines:
            warnings.warn(line, _errors.TilewrightWarning, stacklevel=_outside())


def _outside():
    """Frames from _warn to the first one that is not of this package."""
    here = os.path.dirname(__file__)
    frames = traceback.extract_stack()[:-1]
    return next((i for i, frame in enumerate(reversed(frames), 1) if os.path.dirname(frame.filename) != here), 1)

# SPDX-License-Identifier: MIT
"""Finds libtilewright and declares what is called of it. Structs and calls are those of include/tilewright/."""
import ctypes
import functools
import os
import pathlib
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t,
                    c_uint64, c_void_p)

from . import _errors

SONAME = "libtilewright.so.0"


class Error(Structure):
    _fields_ = [("code", c_int), ("message", c_char * 1020)]


class Pixels(Structure):
    _fields_ = [("width", c_int64), ("height", c_int64), ("row_bytes", c_int64), ("bands", c_int32), ("sample", c_int)]


class TilingConfig(Structure):
    _fields_ = [("tile", c_int32), ("overlap", c_int32), ("multiple", c_int32), ("inexact", c_int32),
                ("bytes_per_pixel", c_int64)]


class PairConfig(Structure):
    _fields_ = [("steps", c_int32), ("noise_channels", c_int32), ("noise_stride", c_int32), ("middle_only", c_int32)]


class PairTile(Structure):
    _fields_ = [("a", POINTER(c_float)), ("b", POINTER(c_float)), ("noise", POINTER(c_float)), ("x", c_int64), ("y", c_int64),
                ("time", c_double), ("seed", c_uint64), ("width", c_int32), ("height", c_int32), ("steps", c_int32),
                ("plane", c_int32)]


class OptionInfo(Structure):
    _fields_ = [("name", c_char_p), ("letter", c_char), ("alias", c_char_p), ("type", c_char_p), ("min", c_double),
                ("max", c_double), ("fallback", c_char_p), ("unit", c_char_p), ("choices", c_char_p), ("help", c_char_p),
                ("since", c_char_p)]


class OpInfo(Structure):
    _fields_ = [("name", c_char_p), ("summary", c_char_p), ("usage", c_char_p), ("about", c_char_p), ("min_inputs", c_int),
                ("max_inputs", c_int), ("has_output", c_int)]


ProcessRgb = CFUNCTYPE(c_int, c_void_p, POINTER(c_float), c_int32, c_int32, POINTER(c_float))
ProcessPair = CFUNCTYPE(c_int, c_void_p, POINTER(PairTile), POINTER(c_float))
PairConfigure = CFUNCTYPE(None, c_void_p, POINTER(PairConfig))
ScaleFactor = CFUNCTYPE(c_int32, c_void_p)
Tiling = CFUNCTYPE(None, c_void_p, POINTER(TilingConfig))
Close = CFUNCTYPE(None, c_void_p)
Progress = CFUNCTYPE(None, c_void_p, c_double)
Warning = CFUNCTYPE(None, c_void_p, c_char_p)
Place = CFUNCTYPE(c_void_p, c_void_p, POINTER(Pixels))
Begin = CFUNCTYPE(c_int, c_void_p, POINTER(Pixels))
Rows = CFUNCTYPE(c_int, c_void_p, c_int64, c_int64, c_void_p)


class EngineCallbacks(Structure):
    _fields_ = [("size", c_size_t), ("user", c_void_p), ("process_rgb", ProcessRgb), ("scale_factor", ScaleFactor),
                ("tiling_config", Tiling), ("close", Close), ("thread_safe", c_int32)]


class PairCallbacks(Structure):
    """The same struct to its end; a library that knows no pairs refuses its size."""

    _fields_ = [*EngineCallbacks._fields_, ("process_pair", ProcessPair), ("pair_config", PairConfigure)]


_ERROR = POINTER(Error)
# Name: result, arguments. Calls that end with an error raise it.
_CALLS = {
    "tw_version": (c_char_p, []),
    "tw_session_new": (c_int, [POINTER(c_void_p), _ERROR]),
    "tw_session_free": (None, [c_void_p]),
    "tw_session_add_engine": (c_int, [c_void_p, c_char_p, c_void_p, _ERROR]),
    "tw_session_close_engine": (c_int, [c_void_p, c_char_p, _ERROR]),
    "tw_job_new": (c_int, [c_void_p, c_char_p, POINTER(c_void_p), _ERROR]),
    "tw_job_free": (None, [c_void_p]),
    "tw_job_set": (c_int, [c_void_p, c_char_p, c_char_p, _ERROR]),
    "tw_job_input": (c_int, [c_void_p, c_char_p, _ERROR]),
    "tw_job_input_bytes": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, _ERROR]),
    "tw_job_input_pixels": (c_int, [c_void_p, POINTER(Pixels), c_void_p, c_char_p, _ERROR]),
    "tw_job_output": (c_int, [c_void_p, c_char_p, _ERROR]),
    "tw_job_output_pixels": (c_int, [c_void_p, Place, c_void_p, _ERROR]),
    "tw_job_output_rows": (c_int, [c_void_p, Begin, Rows, c_void_p, _ERROR]),
    "tw_job_on_progress": (None, [c_void_p, Progress, c_void_p]),
    "tw_job_on_warning": (None, [c_void_p, Warning, c_void_p]),
    "tw_job_plan": (c_int, [c_void_p, _ERROR]),
    "tw_job_run": (c_int, [c_void_p, _ERROR]),
    "tw_job_cancel": (None, [c_void_p]),
    "tw_job_json": (c_void_p, [c_void_p]),
    "tw_job_explain": (c_void_p, [c_void_p]),
    "tw_bytes_free": (None, [c_void_p]),
    "tw_op_at": (POINTER(OpInfo), [c_size_t]),
    "tw_op_option_at": (c_int, [c_char_p, c_size_t, POINTER(OptionInfo)]),
    "tw_models_list": (c_int, [POINTER(c_void_p), _ERROR]),
    "tw_models_info": (c_int, [c_char_p, POINTER(c_void_p), _ERROR]),
}


def _places():
    """Where the library may lie, in the order in which it is looked for."""
    named = os.environ.get("TILEWRIGHT_LIBRARY")
    if named:
        return [named]  # and nowhere else: another library than the one that was named would surprise
    beside = pathlib.Path(__file__).resolve().parent
    return [str(path) for path in (beside / SONAME, beside / "libtilewright.so") if path.exists()] + [SONAME]


@functools.cache
def get():
    """The library, loaded at the first call. ImportError when there is none, or when it is an older one."""
    failures = []
    for place in _places():
        try:
            library = ctypes.CDLL(place)
        except OSError as failure:
            failures.append(str(failure))
            continue
        for name, (result, arguments) in _CALLS.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                raise ImportError(f"{place}: has no {name}: it is older than this package") from None
            function.restype, function.argtypes = result, arguments
        return library
    raise ImportError(f"libtilewright cannot be loaded (TILEWRIGHT_LIBRARY may name it): {'; '.join(failures)}")


def call(name, *arguments):
    """Calls what can fail: an Error of the status is raised. Other threads run meanwhile."""
    error = Error()
    status = getattr(get(), name)(*arguments, ctypes.byref(error))
    if status != 0:
        raise _errors.of(status, error.message.decode("utf-8", "replace"))


def text(pointer):
    """A string of the library's, which is freed."""
    if not pointer:
        return ""
    try:
        return ctypes.string_at(pointer).decode("utf-8", "replace")
    finally:
        get().tw_bytes_free(pointer)

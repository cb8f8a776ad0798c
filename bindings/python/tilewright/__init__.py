# SPDX-License-Identifier: MIT
"""tilewright: big images, small memory, no seams.

Every operator of the library is a function here, made from the library's own tables: `tilewright.upscale(picture)`,
`tilewright.warp(picture, field="f.tfm")`, `tilewright.register(fixed, moving, field="f.tfm")`, `tilewright.compare(a, b)`; help() of each
shows its options. Pictures are paths or numpy arrays."""
import ctypes
import functools
import json
import os

from . import _library, _operators
from ._errors import (BudgetError, Cancelled, DeviceError, Error, InputError, RunError, TilewrightWarning, UsageError)
from ._engine import Engine, PairEngine, Place
from ._job import Report
from ._session import Result, Session

__all__ = ["BudgetError", "Cancelled", "DeviceError", "Engine", "Error", "InputError", "PairEngine", "Place", "Report", "Result",
           "RunError", "Session", "TilewrightWarning", "UsageError", "library_version", "model", "models", "operators", "plan", "run"]


@functools.cache
def _session():
    """Of the functions of this module: models stay loaded as long as the process lives."""
    return Session()


def run(op, *inputs, **keywords):
    """Session.run of a session that all functions of this module share."""
    return _session().run(op, *inputs, **keywords)


def plan(op, *inputs, **keywords):
    """Session.plan of the same session: what `run` would do and need, from headers alone."""
    return _session().plan(op, *inputs, **keywords)


def operators():
    """Names of the library's operators."""
    return list(_operators.table())


def library_version():
    """Of the library in use, as "0.1.0"."""
    return _library.get().tw_version().decode()


def models():
    """{"models": [...], "packs": [...]}: what `model=` may name, as `tilewright models list --json` tells it."""
    text = ctypes.c_void_p()
    _library.call("tw_models_list", ctypes.byref(text))
    return json.loads(_library.text(text))


def model(name):
    """What is known of one model, by name or by the path of a .param file, as `tilewright models info --json` tells it."""
    text = ctypes.c_void_p()
    _library.call("tw_models_info", os.fsencode(name), ctypes.byref(text))
    return json.loads(_library.text(text))


@functools.cache
def _function(name):
    return _operators.function(_operators.table()[name], run)


def __getattr__(name):
    if name.startswith("_") or name not in _operators.table():
        raise AttributeError(f"module 'tilewright' has no attribute '{name}'")
    return _function(name)


def __dir__():
    return [*globals(), *_operators.table()]

# SPDX-License-Identifier: MIT
"""bindings/python/tilewright/__init__.pyi: what the package makes at run time from the library's tables, for editors and type checkers."""
import keyword

from tables import job_options

HEAD = '''# SPDX-License-Identifier: MIT
# Written by tools/docs/generate.py from the options tables; do not edit: `make docs`.
import os
import threading
from collections.abc import Callable
from typing import Any, overload

import numpy

from ._engine import Engine as Engine, PairEngine as PairEngine, Place as Place
from ._errors import (BudgetError as BudgetError, Cancelled as Cancelled, DeviceError as DeviceError, Error as Error,
                      InputError as InputError, RunError as RunError, TilewrightWarning as TilewrightWarning,
                      UsageError as UsageError)
from ._job import Report as Report
from ._session import Result as Result, Session as Session

__all__ = ["BudgetError", "Cancelled", "DeviceError", "Engine", "Error", "InputError", "PairEngine", "Place", "Report", "Result",
           "RunError", "Session", "TilewrightWarning", "UsageError", "library_version", "model", "models", "operators", "plan", "run"]

_Path = str | os.PathLike[str]
_Array = numpy.ndarray[Any, Any]
_Picture = _Path | bytes | _Array
_Sink = _Path | Callable[[int, _Array], object]
_Text = str | float | tuple[float, ...]

def run(op: str, *inputs: _Picture | _Sink | None, out: _Array | _Sink | None = None,
        on_progress: Callable[[float], object] | None = None, on_warning: Callable[[str], object] | None = None,
        cancel: threading.Event | None = None, **options: Any) -> Result: ...
def plan(op: str, *inputs: _Picture | _Sink | None, out: _Array | _Sink | None = None,
         on_warning: Callable[[str], object] | None = None, **options: Any) -> Report: ...
def operators() -> list[str]: ...
def library_version() -> str: ...
def models() -> dict[str, Any]: ...
def model(name: _Path) -> dict[str, Any]: ...
'''
TYPES = {"flag": "bool", "bool": "bool", "int": "int", "real": "float", "size": "int | str", "geometry": "int | str | tuple[int, int]",
         "choice": "str | float", "text": "_Text", "file": "_Path"}
LISTENING = ("on_progress: Callable[[float], object] | None = None", "on_warning: Callable[[str], object] | None = None",
             "cancel: threading.Event | None = None")


def argument(option):
    name = option["name"].replace("-", "_")
    kind = "_Path | Engine | PairEngine" if name == "model" else TYPES[option["type"]]
    return f"{name}{'_' if keyword.iskeyword(name) else ''}: {kind} | None = None"


def inputs(op):
    """All can be given by place only; a register that tests itself has one."""
    words = [word.lower() for word in op["usage"].split("|")[0].split() if word != "OUT"]
    words = ["picture" if keyword.iskeyword(word) else word for word in words]
    optional = ("", " | None = None") if op["name"] == "register" else ("", "")
    return [f"{word}: _Picture{end}" for word, end in zip(words, optional)]


def function(op, out, result):
    params = [*inputs(op), "/", *out, "*", *map(argument, job_options(op)), *LISTENING]
    return f"def {op['name']}(\n    " + ",\n    ".join(params) + f",\n) -> {result}: ..."


def operator(op):
    if " OUT" not in op["usage"]:
        return function(op, [], "Report")
    return "\n".join(["@overload", function(op, ["out: _Array | None = None"], "_Array"),
                      "@overload", function(op, ["out: _Sink"], "Report")])


def stub(tables):
    return HEAD + "\n" + "\n".join(operator(op) for op in tables["ops"]) + "\n"

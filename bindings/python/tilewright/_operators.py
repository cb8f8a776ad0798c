# SPDX-License-Identifier: MIT
"""Operators and their options from the library's own tables, and functions made of them."""
import ctypes
import functools
import inspect
import keyword
import os
import textwrap
from dataclasses import dataclass, field

import numpy

from . import _library


@dataclass(frozen=True)
class Option:
    name: str
    alias: str
    type: str
    min: float
    max: float
    fallback: str
    unit: str
    choices: str
    help: str

    @property
    def keyword(self):
        """As an argument in Python: file_name for file-name, from_ for from."""
        name = self.name.replace("-", "_")
        return name + "_" if keyword.iskeyword(name) else name


@dataclass(frozen=True)
class Operator:
    name: str
    summary: str
    usage: str
    about: str
    min_inputs: int
    max_inputs: int
    has_output: bool
    options: tuple = field(repr=False)

    def option(self, name):
        """By its keyword, name or other name; None for a name that the library is left to refuse."""
        name = name.rstrip("_").replace("_", "-")
        return next((o for o in self.options if name in (o.name, o.alias)), None)


def _string(value):
    return value.decode() if value else ""


def _options(op):
    info, i = _library.OptionInfo(), 0
    while _library.get().tw_op_option_at(op, i, ctypes.byref(info)):
        yield Option(*map(_string, (info.name, info.alias, info.type)), info.min, info.max,
                     *map(_string, (info.fallback, info.unit, info.choices, info.help)))
        i += 1


@functools.cache
def table():
    """All operators of the library, by name."""
    found, i = {}, 0
    while info := _library.get().tw_op_at(i):
        op = info.contents
        found[op.name.decode()] = Operator(*map(_string, (op.name, op.summary, op.usage, op.about)), op.min_inputs,
                                           op.max_inputs, bool(op.has_output), tuple(_options(op.name)))
        i += 1
    return found


def text_of(option, value):
    """A value as the library reads it. Sizes and points may be tuples: (800, 600) is 800x600, (255, 0, 0) is 255,0,0."""
    if isinstance(value, (tuple, list, numpy.ndarray)):
        return ("x" if option and option.type == "geometry" else ",").join(text_of(None, part) for part in value)
    if isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, bytes):
        return os.fsdecode(value)
    return repr(value) if isinstance(value, float) else str(value)


def _argument_text(option):
    kind = {"flag": "bool", "real": "float", "geometry": "(width, height)", "size": "bytes or text, as '512M' or '50%'",
            "file": "path"}.get(option.type, option.type)
    if option.choices:
        kind = option.choices.replace("|", " | ")
    if option.min or option.max:
        kind += f", {option.min:g} to {option.max:g}"
    if option.unit and option.type != "size":
        kind += f" {option.unit}"
    default = f"; default {option.fallback}" if option.fallback else ""
    body = textwrap.fill(option.help, 92, initial_indent="    ", subsequent_indent="    ")
    return f"{option.keyword}: {kind}{default}\n{body}"


def docstring(op):
    """What help() shows."""
    result = ("Returns the result: a new array, or `out`. Where `out` is a path or a function, the report."
              if op.has_output else "Returns the report, a dict.")
    parts = [op.summary[:1].upper() + op.summary[1:] + ".", *(textwrap.fill(p, 96) for p in op.about.split("\n") if p), result,
             "`on_progress`, `on_warning`, `cancel`: see tilewright.Session.run.", "Options:"]
    return "\n\n".join(parts) + "\n\n" + "\n".join(map(_argument_text, op.options)) + "\n"


def input_names(op):
    """FIXED MOVING -> fixed, moving; IN OUT -> picture."""
    words = [w.lower() for w in op.usage.split("|")[0].split() if w.isalpha() and w != "OUT"]
    words = ["picture" if keyword.iskeyword(w) else w for w in words]
    return words if len(words) == op.max_inputs else [f"input{i + 1}" for i in range(op.max_inputs)]


def signature(op):
    kinds = inspect.Parameter
    inputs = [kinds(name, kinds.POSITIONAL_ONLY, default=kinds.empty if i < op.min_inputs else None)
              for i, name in enumerate(input_names(op))]
    out = [kinds("out", kinds.POSITIONAL_OR_KEYWORD, default=None)] if op.has_output else []
    options = [kinds(name, kinds.KEYWORD_ONLY, default=None)
               for name in (*(o.keyword for o in op.options), "on_progress", "on_warning", "cancel")]
    return inspect.Signature(inputs + out + options)


def function(op, run):
    """The operator as a function. `run(op, *inputs, out=..., ...)` does it and gives (pixels, report)."""

    def operator(*inputs, out=None, **options):
        pixels, report = run(op.name, *inputs, out=out, **options)
        return report if pixels is None else pixels

    operator.__name__ = operator.__qualname__ = op.name
    operator.__doc__ = docstring(op)
    operator.__signature__ = signature(op)
    return operator

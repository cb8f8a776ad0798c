# SPDX-License-Identifier: MIT
"""bindings/rust/src/operators.rs: one builder per operator, one method per option."""
from tables import job_options, number

HEAD = """// SPDX-License-Identifier: MIT
// Written by tools/docs/generate.py from the options tables; do not edit: `make docs`.
//! One type per operator, one method per option.

use crate::job::{Job, Output, Picture};
use crate::value::{Bytes, Choice, Pixels};
"""
TYPES = {"flag": "bool", "bool": "bool", "int": "i64", "real": "f64", "size": "impl Into<Bytes>", "geometry": "impl Into<Pixels>",
         "choice": "impl Into<Choice>", "text": "impl Into<String>", "file": "impl Into<String>"}
RESERVED = ("abstract", "as", "async", "await", "box", "const", "dyn", "else", "enum", "extern", "false", "fn", "for", "if", "impl", "in",
            "let", "loop", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
            "trait", "true", "try", "type", "unsafe", "use", "virtual", "where", "while", "yield")
WIDTH = 96


def wrapped(text, head):
    """Doc comment lines."""
    lines, line = [], head
    for word in text.split():
        if len(line) + 1 + len(word) > WIDTH and line != head:
            lines.append(line)
            line = head
        line += " " + word
    return lines + [line]


def sentence(option):
    text = option["help"][:1].upper() + option["help"][1:]
    if option["choices"]:
        text += "; one of " + ", ".join(f"`{word}`" for word in option["choices"].split("|"))
    if option["max"] > option["min"] and option["max"] < 1e12 and option["type"] in ("int", "real"):
        text += f"; {number(option['min'])} to {number(option['max'])}"
    if option["default"]:
        text += f" (default `{option['default']}`)"
    return text.replace("[", "\\[").replace("]", "\\]") + "."


def method(option):
    name, kind = option["name"].replace("-", "_"), TYPES[option["type"]]
    called = name + "_" if name in RESERVED else name
    value = f"Into::<{kind[10:-1]}>::into(value).into()" if kind.startswith("impl") else "value.into()"
    lines = wrapped(sentence(option), "    ///")
    lines += [f"    pub fn {called}(self, value: {kind}) -> Self {{", f'        self.set("{name}", {value})', "    }"]
    return "\n".join(lines)


def constructor(op):
    """What an operator is made of: its inputs, and its output where it has one."""
    inputs = {"compare": ["a", "b"], "register": ["fixed", "moving"], "interpolate": ["first", "second"]}.get(op["name"], ["input"])
    output = " OUT" in op["usage"]
    params = ", ".join([f"{name}: impl Into<Picture>" for name in inputs] + (["output: impl Into<Output>"] if output else []))
    made = "".join(f".input({name})" for name in inputs) + (".output(output)" if output else "")
    return [f"    pub fn new({params}) -> Self {{", f'        Self(Job::new("{op["name"]}"){made})', "    }"]


def operator(op):
    """Without --resume, which every job of a batch has (Job::resume)."""
    name = op["name"].capitalize()
    lines = wrapped(op["summary"][:1].upper() + op["summary"][1:] + ".", "///")
    lines += ["#[derive(Clone, Debug)]", f"pub struct {name}(Job);", "", f"impl {name} {{", *constructor(op), "",
              "    fn set(self, name: &str, value: serde_json::Value) -> Self {", "        Self(self.0.option(name, value))", "    }", ""]
    lines.append("\n\n".join(method(option) for option in job_options(op) if option["name"] != "resume"))
    lines += ["}", "", f"impl From<{name}> for Job {{", f"    fn from(op: {name}) -> Self {{", "        op.0", "    }", "}"]
    return "\n".join(lines)


def operators(tables):
    return HEAD + "\n" + "\n\n".join(operator(op) for op in tables["ops"]) + "\n"

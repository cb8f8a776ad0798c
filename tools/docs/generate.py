#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/options.md, the man pages, the shell completions, the Rust operators and the Python
types from the options tables of the command.

generate.py TILEWRIGHT ROOT          rewrites the files under ROOT
generate.py TILEWRIGHT ROOT --check  exits 1 and names the files that differ
"""
import json
import subprocess
import sys
from pathlib import Path

import completion
import manpages
import markdown
import python
import rust


def files(tables):
    """Path under the root -> text."""
    made = {"docs/options.md": markdown.options(tables), "man/tilewright.1": manpages.overview(tables)}
    for op in tables["ops"]:
        made[f"man/tilewright-{op['name']}.1"] = manpages.operator(tables, op)
    for command in manpages.described(tables):
        made[f"man/tilewright-{command['name']}.1"] = manpages.command(tables, command)
    made["bindings/rust/src/operators.rs"] = rust.operators(tables)
    made["bindings/python/tilewright/__init__.pyi"] = python.stub(tables)
    made["completions/tilewright.bash"] = completion.bash(tables)
    made["completions/_tilewright"] = completion.zsh(tables)
    made["completions/tilewright.fish"] = completion.fish(tables)
    return made


def main(argv):
    if len(argv) < 3 or (len(argv) > 3 and argv[3] != "--check"):
        sys.exit(__doc__)
    tables = json.loads(subprocess.run([argv[1], "help", "--tables"], check=True, capture_output=True).stdout)
    root, check, stale = Path(argv[2]), len(argv) > 3, []
    for name, text in files(tables).items():
        path = root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name}: {'differs from the tables; run `make docs`' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the cases of the command line.

run.py [--bless] [--keep] TILEWRIGHT [NAME...]

A case is cases/NAME.sh, run by bash in an empty folder, with `tilewright` and tests/cli/bin on PATH. Beside it lie what is
expected: NAME.exit (a number; none: 0), NAME.stdout and NAME.stderr (none: nothing is printed). Expected text is literal, but
`*` stands for anything within a line and a line `...` for any number of lines. --bless writes what was printed, and leaves
files with `*` or `...` alone when they already match. Every case also fails when a file called out.* is left by a command that
failed: a script lists such files itself where they are right.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMEOUT = 600


def pattern(expected):
    """A regular expression for the whole text."""
    parts = []
    for line in expected.splitlines():
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append("[^\n]*".join(re.escape(piece) for piece in line.split("*")) + r"\n")
    return "".join(parts)


def matches(expected, text):
    if text and not text.endswith("\n"):
        text += "\n"
    return re.fullmatch(pattern(expected), text) is not None


def expected_text(case, stream):
    path = case.with_suffix("." + stream)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def environment(program, home):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("TW_", "TILEWRIGHT_", "LC_", "LANG"))}
    env["PATH"] = f"{program.parent}:{HERE / 'bin'}:{env['PATH']}"
    env["LC_ALL"] = "C.UTF-8"
    env["XDG_DATA_HOME"] = str(home)  # no installed models: cases see the built-in ones alone
    env["TMPDIR"] = str(home)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    return env


def run(case, program, keep):
    work = Path(tempfile.mkdtemp(prefix=f"tilewright-{case.stem}-"))
    home = Path(tempfile.mkdtemp(prefix="tilewright-home-"))
    try:
        done = subprocess.run(["bash", str(case)], cwd=work, env=environment(program, home), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT, check=False)
        outputs = [done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")]
        left = sorted(path.name for path in work.glob("out.*")) if done.returncode else []
        left += sorted(path.name for path in home.iterdir())
        return done.returncode, outputs, left
    finally:
        for folder in (work, home):
            subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False)
            if keep:
                print(f"kept {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)


def bless(case, code, outputs):
    for stream, text in (("exit", f"{code}\n" if code else ""), ("stdout", outputs[0]), ("stderr", outputs[1])):
        path = case.with_suffix("." + stream)
        if stream != "exit" and path.is_file() and matches(path.read_text(encoding="utf-8"), text):
            continue
        if text:
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)


def complaints(case, code, outputs, left):
    wanted = int(expected_text(case, "exit") or 0)
    if code != wanted:
        yield f"exit code {code} instead of {wanted}"
    for stream, text in zip(("stdout", "stderr"), outputs):
        expected = expected_text(case, stream)
        if not matches(expected, text):
            yield f"{stream}:\n--- expected\n{expected}--- printed\n{text}---"
    if left:
        yield f"files left behind: {' '.join(left)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bless", action="store_true", help="write what is printed as what is expected")
    parser.add_argument("--keep", action="store_true", help="keep the folders of the cases")
    parser.add_argument("program", type=Path)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    cases = [HERE / "cases" / f"{name}.sh" for name in args.names] or sorted((HERE / "cases").glob("*.sh"))
    failed = 0
    for case in cases:
        code, outputs, left = run(case, args.program.resolve(), args.keep)
        if args.bless:
            bless(case, code, outputs)
        wrong = list(complaints(case, code, outputs, left))
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {case.stem}")
        for line in wrong:
            print(f"  {line}")
    print(f"{len(cases) - failed} of {len(cases)} cases passed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())

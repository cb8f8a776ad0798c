#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# judges.sh BUILD: holds our fields and warped pictures against elastix, transformix (Debian elastix) and SimpleITK (PyPI). No
# part of `make test`: the judges are large, and they change when they like.
set -eu
cd "$(dirname "$0")/.."
build=$1
tools/setup/debian.sh judges
python=$(tools/setup/venv.sh judges tests/judges/requirements.txt)
"$python/bin/python" -B tests/judges/judges.py "$build"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# judges.sh BUILD: holds our fields and warped pictures against elastix, transformix (Debian elastix) and SimpleITK (PyPI). No
# part of `make test`: the judges are large, and they change when they like.
set -eu
cd "$(dirname "$0")/.."
build=$1
. tools/setup/cache.sh
tools/setup/debian.sh judges
list=tests/judges/requirements.txt
python=$TW_CACHE/judges-$(sha256sum "$list" | cut -c 1-12)
if [ ! -e "$python/complete" ]; then
    rm -rf "$python"
    python3 -m venv "$python"
    "$python/bin/pip" install -q -r "$list"
    touch "$python/complete"
fi
"$python/bin/python" -B tests/judges/judges.py "$build"

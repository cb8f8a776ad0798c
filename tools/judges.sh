#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# judges.sh BUILD: elastix (Debian package, installed when it is not there) and SimpleITK judge the fields that we write and read.
set -eu
cd "$(dirname "$0")/.."
build=$1
. tools/setup/cache.sh
command -v transformix >/dev/null || { say "installing elastix (Debian package)"; as_root apt-get install -y -q --no-install-recommends elastix >/dev/null; }
list=tests/judges/requirements.txt
python=$TW_CACHE/judges-$(sha256sum "$list" | cut -c 1-12)
if [ ! -e "$python/complete" ]; then
    rm -rf "$python"
    python3 -m venv "$python"
    "$python/bin/pip" install -q -r "$list"
    touch "$python/complete"
fi
photos=$(tools/setup/photos.sh)/usr/share/backgrounds/mate/nature
"$python/bin/python" -B tests/judges/judge.py "$build/tilewright" "$build/tests/judges/field_tool" "$build/tests/pairs/make_pair" "$photos"

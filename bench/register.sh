#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# register.sh BUILD [WxH]: register beside elastix (Debian package) on a made pair; the default is a sixteenth of 14960x18960.
set -eu
cd "$(dirname "$0")/.."
build=$1 size=${2:-3740x4740}
tools/setup/debian.sh judges
python=$(tools/setup/venv.sh judges tests/judges/requirements.txt)
photos=$(tools/setup/photos.sh)/usr/share/backgrounds/mate/nature
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python/bin/python" -B bench/register.py "$build" "$photos" "$size" "$work"

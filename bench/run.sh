#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [--rounds N] [--no-save]: measures on this machine; bench/README.md says how and what the columns mean.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
photo=$(tools/setup/photos.sh)/usr/share/backgrounds/mate/nature/Garden.jpg
models=$(tools/setup/models.sh realesrgan)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O1 -o "$work/crop" bench/crop.c $(pkg-config --cflags --libs vips)
"$work/crop" "$photo" 800 300 1024 768 "$work/photo.ppm" "$work/photo.tif"
commit=$(git rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- src models 2>/dev/null || commit=$commit+
export TILEWRIGHT_MODELS=$models XDG_CACHE_HOME=$work/cache
python3 -B bench/run.py "$build/tilewright" "$work" "$commit" "$@"

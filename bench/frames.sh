#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# frames.sh BUILD [WxH ...]: time and peak memory of one frame in between at several sizes, with the built-in net and by classical
# optical flow (OpenCV's DIS, models/training/classical.py); each a process of its own, PNG to PNG.
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- 1280x720 3840x2160 7680x4320
python=$(tools/setup/venv.sh evaluate-between models/training/evaluate_between.txt)/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for size in "$@"; do
    "$build/tests/pairs/make_flow" frames "$size" 24 "$work/a.png" "$work/b.png"
    python3 -B bench/frames.py "$build/tilewright" "$python" "$work" "$size"
done

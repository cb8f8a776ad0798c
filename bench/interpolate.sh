#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# interpolate.sh BUILD [WxH [GRAPH.param]]: what tiles cost over one tile that holds the frames, for a flow net with made weights; the
# default is 1920x1080 and a small net of our own. Prints processor seconds, ratio, peak and difference in 16 bit.
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "$1") size=${2:-1920x1080} graph=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_flow=$build/tests/pairs/make_flow
if [ -n "$graph" ]; then
    "$make_flow" model "$graph" "$work"
    model=$work/$(basename "$graph")
else
    "$make_flow" small "$work"
    model=$work/small.param
fi
"$make_flow" frames "$size" 40 "$work/a.png" "$work/b.png" bits=16
python3 -B bench/interpolate.py "$build/tilewright" "$model" "$work"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [--rounds N] [--model NAME ...] [--no-save] [--plot FILE]: measures on this machine, beside other programs where
# they can be had; bench/README.md says how and what the columns mean.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
photo=$(tools/setup/photos.sh)/usr/share/backgrounds/mate/nature/Garden.jpg
models=$(tools/setup/models.sh realesrgan realcugan)
peers=()
add_peer() {
    local found
    if found=$(bench/peers.sh "$2"); then peers+=("--$1" "$found"); else echo "bench: left out: $3" >&2; fi
}
add_peer ncnn ncnn "plain programs on ncnn"
add_peer realcugan realcugan "realcugan-ncnn-vulkan"
add_peer python onnx "ONNX Runtime and OpenVINO"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O1 -o "$work/crop" bench/crop.c $(pkg-config --cflags --libs vips)
"$work/crop" "$photo" 800 300 1024 768 "$work/photo"
"$work/crop" "$photo" 800 300 512 384 "$work/small"
commit=$(git rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- src models 2>/dev/null || commit=$commit+
export TILEWRIGHT_MODELS=$models XDG_CACHE_HOME=$work/cache
python3 -B bench/run.py "$build/tilewright" "$work" "$commit" "${peers[@]}" "$@"

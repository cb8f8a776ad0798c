#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh FOLDER [MESON OPTIONS]: configure when needed, compile, and put the command at FOLDER/tilewright.
. "$(dirname "$0")/cache.sh"
cd "$(dirname "$0")/../.."
folder=$1
shift
ncnn=$(tools/setup/ncnn.sh)
if [ ! -f "$folder/build.ninja" ]; then
    meson setup "$folder" -Dncnn="$ncnn" "$@" >"$folder.log" 2>&1 || { tail -n 30 "$folder.log" >&2; die "meson could not configure"; }
    rm -f "$folder.log"
else
    meson configure "$folder" -Dncnn="$ncnn" "$@"
fi
log=$(mktemp)
ninja -C "$folder" >"$log" 2>&1 || { grep -E -A12 'error|FAILED' "$log" | head -n 80 >&2; rm -f "$log"; die "the build failed"; }
rm -f "$log"
ln -sfn apps/cli/tilewright "$folder/tilewright"
say "built $folder/tilewright"

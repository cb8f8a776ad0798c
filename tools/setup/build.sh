#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh FOLDER [MESON OPTIONS]: configure when needed, compile, and put the command at FOLDER/tilewright.
. "$(dirname "$0")/cache.sh"
cd "$(dirname "$0")/../.."
folder=$1
shift
ncnn=$(tools/setup/ncnn.sh)
# The page of `serve` can do without.
viewer=""
if packages=$(tools/setup/node.sh web web); then viewer=$packages/openseadragon; else say "the page is built without OpenSeadragon"; fi
set -- -Dncnn="$ncnn" -Dviewer="$viewer" "$@"
# A folder that was configured before an option came in takes it by being configured anew.
if [ ! -f "$folder/build.ninja" ] || ! meson configure "$folder" "$@" >/dev/null 2>&1; then
    again=""
    [ ! -f "$folder/build.ninja" ] || again=--reconfigure
    meson setup $again "$folder" "$@" >"$folder.log" 2>&1 || { tail -n 30 "$folder.log" >&2; die "meson could not configure"; }
    rm -f "$folder.log"
fi
log=$(mktemp)
ninja -C "$folder" >"$log" 2>&1 || { grep -E -A12 'error|FAILED' "$log" | head -n 80 >&2; rm -f "$log"; die "the build failed"; }
rm -f "$log"
ln -sfn apps/cli/tilewright "$folder/tilewright"
say "built $folder/tilewright"

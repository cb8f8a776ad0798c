#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the example pixels as its user would: run-pixels.sh PROGRAM.
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME="$folder" TMPDIR="$folder"
fail() { echo "FAIL: $*" >&2; exit 1; }

"$program" >"$folder/said"
cat "$folder/said"
grep -qE '^200 x 150 pixels became 400 x 300, the middle is (3[5-9]|4[0-5])$' "$folder/said" || fail "not the disc, twice as large"
grep -q '^row by row: the same$' "$folder/said" || fail "rows differ"
code=0
"$program" 0 5 >/dev/null 2>"$folder/error" || code=$?
[ "$code" = 3 ] && grep -q '^pixels: the disc: ' "$folder/error" || fail "no pixels: code $code, $(cat "$folder/error")"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs callback_engine as its user would: run.sh PROGRAM MAKE_PICTURE.
set -eu
program=$1 make_picture=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME="$folder" TMPDIR="$folder"
fail() { echo "FAIL: $*" >&2; exit 1; }

"$make_picture" "$folder/in.png" 400 300
"$program" "$folder/in.png" "$folder/out.png" 96M >"$folder/said" 2>"$folder/progress" || fail "$(cat "$folder/progress")"
cat "$folder/said"
grep -q '^400 x 300 -> 800 x 600, ' "$folder/said" || fail "not twice the size"
grep -q 'closed 1 time$' "$folder/said" || fail "not closed once"
grep -q '100 %' "$folder/progress" || fail "progress does not reach the end"
[ "$(od -An -tu1 -j16 -N8 "$folder/out.png" | tr -s ' ')" = ' 0 0 3 32 0 0 2 88' ] || fail "out.png is not 800 x 600"

# What goes wrong says so, in the exit code, too.
code=0
"$program" "$folder/in.png" "$folder/out.png" 2>"$folder/error" >/dev/null || code=$?
[ "$code" = 2 ] && grep -q 'out.png: exists already' "$folder/error" || fail "an existing file: code $code, $(cat "$folder/error")"
code=0
"$program" "$folder/missing.png" "$folder/new.png" 2>"$folder/error" >/dev/null || code=$?
[ "$code" = 3 ] && grep -q missing.png "$folder/error" || fail "a missing file: code $code, $(cat "$folder/error")"
[ ! -e "$folder/new.png" ] || fail "a failure left new.png"

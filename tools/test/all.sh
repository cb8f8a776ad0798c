#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole test suite: all.sh BUILD. Prints one line per step and closes with the counts; exits 1 when anything failed.
set -u
cd "$(dirname "$0")/../.."
build=$1
. tools/setup/cache.sh
models=$(tools/setup/models.sh) || exit 1
photos=$(tools/setup/photos.sh) || exit 1
export TILEWRIGHT_TEST_MODELS="$models" TILEWRIGHT_TEST_PHOTOS="$photos"
passed=0 failed=0
step() {
    local name=$1 start=$SECONDS
    shift
    if "$@" >"$build/test-$name.log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok    %-10s %4d s\n' "$name" $((SECONDS - start))
    else
        failed=$((failed + 1))
        printf 'FAIL  %-10s %4d s\n' "$name" $((SECONDS - start))
        tail -n 40 "$build/test-$name.log"
    fi
}
step arrows python3 tools/check/arrows.py
step format tools/check/format.sh
step unit meson test -C "$build" --no-rebuild --suite unit --print-errorlogs
step cli meson test -C "$build" --no-rebuild --suite cli --print-errorlogs
step exact meson test -C "$build" --no-rebuild --suite exact --print-errorlogs
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

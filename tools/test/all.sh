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
# Meson fills freed memory with a pattern, which would make untouched buffers resident and spoil what is measured.
export MALLOC_PERTURB_=0
passed=0 failed=0
step() {
    local name=$1 start=$SECONDS
    shift
    if "$@" >"$build/test-$name.log" 2>&1; then
        passed=$((passed + 1))
        # Meson and unittest say how many tests that were.
        printf 'ok    %-10s %4d s  %s\n' "$name" $((SECONDS - start)) \
            "$(sed -nE 's/^(Ok: +|Ran )([0-9]+).*/\2 tests/p' "$build/test-$name.log" | tail -n 1)"
    else
        failed=$((failed + 1))
        printf 'FAIL  %-10s %4d s\n' "$name" $((SECONDS - start))
        tail -n 40 "$build/test-$name.log"
    fi
}
step arrows python3 tools/check/arrows.py
step format tools/check/format.sh
step clang tools/check/clang.sh "$build"
step unit meson test -C "$build" --no-rebuild --suite unit --print-errorlogs
step cli meson test -C "$build" --no-rebuild --suite cli --print-errorlogs
step fail meson test -C "$build" --no-rebuild --suite fail --print-errorlogs
step batch meson test -C "$build" --no-rebuild --suite batch --print-errorlogs
step http meson test -C "$build" --no-rebuild --suite http --print-errorlogs
step properties tools/test/properties.sh "$build/tilewright"
step web tools/test/web.sh "$build/tilewright"
step rust tools/test/rust.sh "$build/tilewright"
step large meson test -C "$build" --no-rebuild --suite large --print-errorlogs
step gpu env VK_DRIVER_FILES="$(ls /usr/share/vulkan/icd.d/lvp_icd.*.json 2>/dev/null | head -n 1)" \
    meson test -C "$build" --no-rebuild --suite gpu --print-errorlogs
step exact meson test -C "$build" --no-rebuild --suite exact --print-errorlogs
step verify tools/test/verify.sh "$build"
step python tools/test/python.sh "$build"
step fuzz fuzz/replay.sh "$build" --seconds 10
# The same tests under address and undefined-behaviour sanitizers, but for those that only measure or only do arithmetic.
sanitized() {
    tools/setup/build.sh "$build-asan" -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false || return 1
    export TW_SANITIZED=1 ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    local run="meson test -C $build-asan --no-rebuild --timeout-multiplier 4 --print-errorlogs"
    $run account blend carry_steps carry_calculus compare engine field field_chain field_files graph model options pixels register schedule seams sink source warp winograd cli && $run --suite fail && $run --suite batch && $run --suite http
}
step sanitizers sanitized
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

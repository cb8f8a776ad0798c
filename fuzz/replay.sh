#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# replay.sh BUILD [--seconds N] [TARGET...]: builds the fuzz targets with clang into BUILD-fuzz, runs every file of the corpus
# through its target, then lets each target search for N seconds (default 20). A finding is kept in BUILD-fuzz/findings and
# makes the exit code 1; put a small form of it into fuzz/corpus/TARGET once it is mended, so that it stays mended.
set -eu
cd "$(dirname "$0")/.."
build=$1-fuzz seconds=20
shift
[ "${1:-}" = --seconds ] && { seconds=$2; shift 2; }
targets=${*:-batch field options param picture record}
ncnn=$(tools/setup/ncnn.sh)
[ -f "$build/build.ninja" ] || CC=clang CXX=clang++ meson setup "$build" -Dncnn="$ncnn" -Dfuzzers=true -Dtests=false \
    -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >"$build.log" 2>&1 ||
    { tail -n 30 "$build.log"; exit 1; }
ninja -C "$build" $(printf 'fuzz/fuzz_%s ' $targets) >"$build.log" 2>&1 || { grep -A12 -E 'error|FAILED' "$build.log" | head -n 60; exit 1; }
rm -f "$build.log"
build=$(cd "$build" && pwd)
mkdir -p "$build/findings"
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
found=0
for target in $targets; do
    grown=$build/corpus-$target log=$build/fuzz-$target.log
    mkdir -p "$grown"
    files=$(find "fuzz/corpus/$target" -type f | wc -l)
    flags="-artifact_prefix=$build/findings/$target- -timeout=10 -rss_limit_mb=2048 -max_len=65536"
    [ ! -f "fuzz/$target.dict" ] || flags="$flags -dict=fuzz/$target.dict"
    if "$build/fuzz/fuzz_$target" $flags -runs=0 "fuzz/corpus/$target" >"$log" 2>&1 &&
        { [ "$seconds" = 0 ] || "$build/fuzz/fuzz_$target" $flags -max_total_time="$seconds" -print_final_stats=1 "$grown" \
            "fuzz/corpus/$target" >>"$log" 2>&1; }; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
        echo "ok    $target: $files files, ${runs:-0} runs"
    else
        found=1
        echo "FOUND $target: $log"
        tail -n 40 "$log"
    fi
done
exit $found

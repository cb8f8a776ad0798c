#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# exports.sh LIBRARY INCLUDE: the library exports exactly the functions that the public headers declare, under its versioned name.
set -eu
library=$1 include=$2
exported=$(nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u)
declared=$(cat "$include"/tilewright/*.h | grep -oE '^TW_API .*' | grep -oE '\btw_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
if ! difference=$(diff <(echo "$declared") <(echo "$exported")); then
    echo "declared (<) and exported (>) differ:"
    echo "$difference" | head -n 40
    exit 1
fi
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ "$soname" = libtilewright.so.0 ] || { echo "the library calls itself '$soname'"; exit 1; }
echo "exports: $(echo "$exported" | wc -l) functions, all declared, of $soname"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# headers.sh INCLUDE CC CXX: every public header compiles alone, as strict C11 and as C++17, without a warning, and says something of each
# function.
set -eu
include=$1 cc=$2 cxx=$3
wrong=0
headers=$(cd "$include" && ls tilewright/*.h)
for header in $headers; do
    for kind in "$cc -x c -std=c11" "$cxx -x c++ -std=c++17"; do
        printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
            $kind -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$include" - || { echo "$header: $kind"; wrong=1; }
    done
    bare=$(awk '/^TW_API/ && before !~ /\*\/$/ { print FILENAME ":" FNR ": no comment: " $0 } { before = $0 }' "$include/$header")
    [ -z "$bare" ] || { echo "$bare"; wrong=1; }
    # The umbrella has them all.
    [ "$header" = tilewright/tilewright.h ] || grep -q "\"$header\"" "$include/tilewright/tilewright.h" ||
        { echo "tilewright.h does not include $header"; wrong=1; }
done
echo "headers: $(echo "$headers" | wc -l), each as C11 and C++17"
exit $wrong

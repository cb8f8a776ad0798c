#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang.sh BUILD: everything compiles with clang and without a warning (in BUILD-clang), and what is written for the lanes of a
# processor computes the same there. The sanitizers' build is the same check with GCC.
set -eu
cd "$(dirname "$0")/../.."
build=$1-clang
CC=clang CXX=clang++ tools/setup/build.sh "$build" -Dwerror=true
meson test -C "$build" --no-rebuild --print-errorlogs sampler statistics winograd warp between

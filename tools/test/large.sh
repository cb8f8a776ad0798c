#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# large.sh BUILD [FOLDER]: a 30,000 x 20,000 picture through `upscale --scale 2 --memory 256M`, 100 windows checked; two scans of
# 14,960 x 18,960 registered and warped, and 40,000 x 12,500 warped, in 256M.
set -eu
cd "$(dirname "$0")/../.."
folder=${2:-$(mktemp -d "${TMPDIR:-/var/tmp}/tilewright-large.XXXXXX")}
build=$(cd "$1" && pwd)
export TILEWRIGHT_TEST_PHOTOS=$(tools/setup/photos.sh) TILEWRIGHT="$build/tilewright" MAKE_PAIR="$build/tests/pairs/make_pair"
"$build/tests/large/test_mosaic" 30000 20000 256M 100 "$folder"
"$build/tests/large/test_scan" pair 14960 18960 256M "$folder"
"$build/tests/large/test_scan" warp 40000 12500 256M "$folder"
rmdir "$folder" 2>/dev/null || true

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# large.sh BUILD [FOLDER]: a 30,000 x 20,000 picture through `upscale --scale 2 --memory 256M`; 100 windows checked.
set -eu
cd "$(dirname "$0")/../.."
folder=${2:-$(mktemp -d "${TMPDIR:-/var/tmp}/tilewright-large.XXXXXX")}
TILEWRIGHT_TEST_PHOTOS=$(tools/setup/photos.sh) TILEWRIGHT="$1/tilewright" "$1/tests/large/test_mosaic" 30000 20000 256M 100 "$folder"
rmdir "$folder" 2>/dev/null || true

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Upscales one real photograph with the embedded model and says what was done.
set -eu
build=$1
photo=$(tools/setup/photos.sh)/usr/share/backgrounds/mate/nature/Garden.jpg
result=$build/demo.png
"$build/tilewright" upscale "$photo" "$result" --model photo-2x --memory 256M --overwrite

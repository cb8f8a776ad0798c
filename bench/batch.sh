#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# batch.sh BUILD [PAGES] [options of batch]: so many pages in one batch against as many single runs, and a folder; bench/README.md has
# the figures.
set -eu
cd "$(dirname "$0")/.."
build=$1 pages=${2:-24}
shift $(($# > 1 ? 2 : 1))
photos=$(tools/setup/photos.sh)/usr/share/backgrounds/mate/nature
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O1 -o "$work/crop" bench/crop.c $(pkg-config --cflags --libs vips)
mkdir "$work/pages"
i=0
while [ $i -lt "$pages" ]; do
    for photo in "$photos"/*.jpg; do
        [ $i -lt "$pages" ] || break
        "$work/crop" "$photo" $((i * 37 % 300)) $((i * 53 % 200)) 640 900 "$work/page"
        mv "$work/page.png" "$work/pages/$(printf %03d $i).png"
        i=$((i + 1))
    done
done
export XDG_CACHE_HOME=$work/cache
python3 -B bench/batch.py "$build/tilewright" "$work" "$@"

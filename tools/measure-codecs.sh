#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the table behind src/image/codec_table.c: peak memory of every codec, saving and loading, beside what is told.
# Usage: tools/measure-codecs.sh path/to/measure-codecs [folder for pictures]
set -eu
tool=$1
dir=${2:-$(mktemp -d)}
one() { # suffix width height colours alpha depth [options]
    file=$dir/m.$1
    shift
    rm -f "$file"
    "$tool" save "$file" "$@" || return 0
    "$tool" load "$file" || return 0
}
echo "# file size samples: growth of VmHWM without the rows in flight, told cost, told/growth, per pixel, per row of samples, time"
for shape in "4000 3000" "2000 1500" "30000 400"; do
    for samples in "3 0 8" "1 0 8" "3 1 8"; do
        one png $shape $samples; one jpg $shape $samples; one tif $shape $samples; one ppm $shape $samples
    done
    for samples in "3 0 16" "3 1 16"; do one png $shape $samples; one tif $shape $samples; done
    one tif $shape 3 0 32
    one tif $shape 3 0 8 tiff=none; one tif $shape 3 0 8 tiff=zstd
done
for shape in "3000 2000" "1500 1000" "800 600"; do
    one webp $shape 3 0 8; one webp $shape 3 1 8; one webp $shape 3 0 8 lossless
    one gif $shape 3 0 8; one gif $shape 3 1 8
    one jxl $shape 3 0 8; one jxl $shape 3 0 16; one jxl $shape 1 0 8; one jxl $shape 3 1 8; one jxl $shape 3 0 8 lossless
    one avif $shape 3 0 8; one heif $shape 3 0 8; one heic $shape 3 1 8
done

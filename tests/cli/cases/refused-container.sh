# SPDX-License-Identifier: MIT
# WebP holds 16383 pixels on a side.
make-picture in.png 9000 2
tilewright upscale in.png out.webp --scale 2 --quiet

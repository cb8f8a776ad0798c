# SPDX-License-Identifier: MIT
make-picture in.png 64 64
tilewright upscale in.png out.png --scratch none

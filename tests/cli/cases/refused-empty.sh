# SPDX-License-Identifier: MIT
: >in.png
tilewright upscale in.png out.png

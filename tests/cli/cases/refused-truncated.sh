# SPDX-License-Identifier: MIT
make-picture whole.png 200 200
head -c 20000 whole.png >in.png
tilewright upscale in.png out.png --quiet

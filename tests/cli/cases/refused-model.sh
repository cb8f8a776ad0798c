# SPDX-License-Identifier: MIT
make-picture in.png 16 16
tilewright upscale in.png out.png --model phot-2x; echo $?
tilewright upscale in.png out.png --model none.param

# SPDX-License-Identifier: MIT
make-picture in.png 16 16
tilewright upscale in.png none/out.png --quiet; echo $?
tilewright upscale in.png in.png/out.png --quiet; echo $?
tilewright upscale in.png /proc/out.png --quiet

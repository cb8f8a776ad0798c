# SPDX-License-Identifier: MIT
make-picture a.png 8 8
tilewright upscale a.png out.png --memroy 1G; echo $?
tilewright upscale a.png out.png --memroy=1G; echo $?
tilewright upscale a.png out.png --frobnicate; echo $?
tilewright upscale a.png out.png -Z; echo $?
tilewright upscale a.png out.png -memory 1G; echo $?
tilewright compare a.png a.png --scale 2; echo $?
ls

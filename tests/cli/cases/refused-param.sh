# SPDX-License-Identifier: MIT
make-picture in.png 16 16
{ echo 7767517; echo "2000000000 2000000000"; echo "Input in 0 1 in"; } >hostile.param
: >hostile.bin
tilewright upscale in.png out.png --model hostile.param; echo $?
head -c 4096 /dev/urandom >hostile.param
tilewright upscale in.png out.png --model hostile.param 2>/dev/null

# SPDX-License-Identifier: MIT
echo "this is no picture, whatever its name says" >in.png
tilewright upscale in.png out.png

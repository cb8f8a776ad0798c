# SPDX-License-Identifier: MIT
make-picture in.png 40 30
tilewright upscale in.png out.png
picture-size out.png
ls

# SPDX-License-Identifier: MIT
make-picture in.png 40 30
tilewright upscale in.png out.png --json | json-keys schema op input output width height model device passes exact
picture-size out.png
tilewright plan upscale in.png out2.png --json | json-keys schema op output width height
tilewright plan upscale in.png out2.png
ls

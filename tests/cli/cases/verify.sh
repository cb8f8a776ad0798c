# SPDX-License-Identifier: MIT
make-picture in.png 96 64
tilewright verify in.png --tiles 16,32x24,500
tilewright verify in.png --tiles 24 --crop 60x50 --json | json-keys schema op input input_width crop width height model bound pass
tilewright verify in.png --tiles 24 --quiet
tilewright verify in.png -t 24 --shift 0 | grep shift
tilewright verify in.png -t 24 --scale 5 | grep shift
ls

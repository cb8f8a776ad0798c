# SPDX-License-Identifier: MIT
tilewright upscale --help
tilewright help upscale | cmp - <(tilewright upscale -h) && echo same
tilewright help compare | head -n 3

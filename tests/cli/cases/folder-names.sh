# SPDX-License-Identifier: MIT
# Two inputs never share a result.
mkdir in
make-picture in/a.png 8 8
cp in/a.png in/a.jpg
make-picture in/b.png 8 8
tilewright plan upscale in out | grep -e '->' | head -n 3
tilewright upscale in out --format webp --quiet
ls out
tilewright upscale in in; echo $?
tilewright upscale in -; echo $?
mkdir empty
tilewright upscale empty out3; echo $?
ls

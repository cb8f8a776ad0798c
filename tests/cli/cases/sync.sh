# SPDX-License-Identifier: MIT
# The built-in model has no means: nothing to be inexact about.
make-picture in.png 200 150
tilewright upscale in.png out.png --sync fast --tile 48 --quiet --json | json-keys passes exact error_bound
tilewright plan upscale in.png out2.png --sync off --tile 48 | grep exact
tilewright upscale in.png out2.png --sync half; echo $?
ls

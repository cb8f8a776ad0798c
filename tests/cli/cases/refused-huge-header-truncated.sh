# SPDX-License-Identifier: MIT
make-picture --header in.png 65000 65000
tilewright upscale in.png out.png --quiet

# SPDX-License-Identifier: MIT
# A few bytes that announce four thousand million pixels: refused from the header, whatever memory there is.
make-picture --header in.png 65000 65000
tilewright upscale in.png out.png --max-pixels 1000000000 --quiet

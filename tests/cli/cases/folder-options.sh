# SPDX-License-Identifier: MIT
# A wrong option is one error, not one for every picture.
mkdir in
for name in a b c; do make-picture in/$name.png 8 8; done
tilewright upscale in out --memory 1Q; echo $?
ls

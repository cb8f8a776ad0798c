# SPDX-License-Identifier: MIT
make-picture a.png 40 30
make-picture b.png 40 30 7
tilewright compare a.png a.png --json | json-keys schema op input identical psnr max_difference
tilewright compare a.png b.png
tilewright compare a.png b.png --quiet --min-psnr 90; echo $?
make-picture c.png 41 30
tilewright compare a.png c.png; echo $?
tilewright compare a.png none.png; echo $?

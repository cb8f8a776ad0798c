# SPDX-License-Identifier: MIT
make-picture a.png 40 30
make-picture b.png 40 30 7
tilewright compare a.png a.png --json | json-keys schema op input
tilewright compare a.png b.png
make-picture c.png 41 30
tilewright compare a.png c.png; echo $?

# SPDX-License-Identifier: MIT
tilewright upscale; echo $?
tilewright upscale a.png; echo $?
tilewright upscale a.png b.png c.png; echo $?
tilewright upscale -i a.png -o b.png -o c.png; echo $?
tilewright compare a.png; echo $?
tilewright compare a.png b.png c.png; echo $?

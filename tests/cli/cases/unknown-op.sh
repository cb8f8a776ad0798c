# SPDX-License-Identifier: MIT
tilewright upsacle a.png b.png; echo $?
tilewright xyzzy a.png b.png; echo $?
tilewright --scale 2 upscale a.png b.png; echo $?
tilewright plan upscal a.png b.png; echo $?
tilewright plan; echo $?
tilewright models lst; echo $?
tilewright models; echo $?

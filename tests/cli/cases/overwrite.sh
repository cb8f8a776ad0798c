# SPDX-License-Identifier: MIT
make-picture in.png 16 16
echo precious >taken.png
tilewright upscale in.png taken.png; echo $?
cat taken.png
tilewright upscale in.png taken.png --overwrite --quiet; echo $?
picture-size taken.png
mkdir folder
tilewright upscale in.png folder --quiet; echo $?
picture-size folder/in.png
ls -A . folder

# SPDX-License-Identifier: MIT
make-picture in.png 24 16
tilewright upscale -i in.png -o one.png -s 2 -t 0 -g -1 -j 1:2:2 --quiet
tilewright upscale -iin.png -oone.jpg -s2 -fpng -t 32 --quiet && picture-size one.png one.jpg
tilewright upscale -i in.png -o out.png -x -g -1 -t 16 --quiet && picture-size out.png
tilewright upscale -i in.png -o two.png -m nowhere -n net; echo $?

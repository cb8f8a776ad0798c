# SPDX-License-Identifier: MIT
# Each names the option, the value and what is allowed.
make-picture a.png 8 8
for option in --memory=12Q --memory= --memory=101% --scale=fast --scale=100 --device=gpus --schedule=best --tile=64x \
    --tile=-5 --threads=2.5 --threads=-1 --enable-tiling=maybe --progress=loud --quality=101 --format=bmp; do
    tilewright upscale a.png out.png $option || echo "$?"
done
tilewright upscale a.png out.png --memory; echo $?
tilewright upscale a.png out.png -s; echo $?
ls

# SPDX-License-Identifier: MIT
make-picture in.png 200 150
export XDG_CACHE_HOME=$PWD/cache
way="--schedule halo --tile 48 --halo auto:6"
tilewright plan upscale in.png out.png $way
tilewright plan upscale in.png out.png $way --json | json-keys to_be_measured error_bound exact
tilewright upscale in.png out.png $way --quiet --json | json-keys exact error_measured_on error_measured_against error_remembered
tilewright upscale in.png out2.png $way --quiet --json | json-keys exact error_measured_on error_measured_against error_remembered
tilewright plan upscale in.png out3.png $way | grep error
tilewright upscale in.png out4.png --halo 1 --tile 48 --quiet --json | json-keys halo exact error_measured_on error_measured_against
tilewright upscale in.png out5.png --halo auto:0; echo $?
tilewright upscale in.png out5.png --halo auto; echo $?
tilewright upscale in.png out5.png --halo auto:1 --schedule carry; echo $?
ls

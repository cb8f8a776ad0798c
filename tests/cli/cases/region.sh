# SPDX-License-Identifier: MIT
# A part of what the whole picture gives.
make-picture in.png 300 200
tilewright upscale in.png part.png --scale 2 --region 37,50,101,60 --quiet --json | json-keys region width height exact schedule
picture-size part.png
tilewright upscale in.png tail.png --scale 2 --region 299,199,1,1 --quiet && picture-size tail.png
tilewright upscale in.png all.png --scale 2 --schedule halo --tile 32 --quiet
tilewright upscale in.png same.png --scale 2 --schedule halo --tile 32 --region 0,0,300,200 --quiet
tilewright compare all.png same.png --json | json-keys identical
tilewright plan upscale in.png out.png --scale 2 --region 37,50,101,60 --tile 32 --json | json-keys region tiles tile
for bad in 0,0,0,5 0,0,301,1 -1,0,5,5 1,2,3 1,2,3,4,5 a,b,c,d 1,2,3,4x 9223372036854775807,0,9,9 1,1,999999999999999999,1; do
    tilewright upscale in.png out.png --scale 2 "--region=$bad"; echo $?
done
tilewright upscale in.png out.png --scale 2.5 --region 0,0,5,5; echo $?
tilewright upscale in.png out.png --scale 2 --halo 1 --region 0,0,5,5; echo $?
tilewright upscale in.png out.png --scale 2 --schedule carry --region 0,0,5,5; echo $?
tilewright upscale in.png whole.png --scale 2 --schedule whole --region 5,6,7,8 --quiet && picture-size whole.png
ls

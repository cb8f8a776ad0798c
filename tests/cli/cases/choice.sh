# SPDX-License-Identifier: MIT
# which net is run when nobody names one
make-picture in.png 96 64
for quality in 20 50 75 95; do
    tilewright upscale in.png $quality.jpg --model photo-2x --scale 1 --quality $quality --quiet
done
for picture in in.png 95.jpg 75.jpg 50.jpg 20.jpg; do
    tilewright plan upscale $picture out.png --json | json-keys input model model_because
done
tilewright plan upscale 50.jpg out.png --scale 1 --json | json-keys model
tilewright plan upscale 50.jpg out.png --scale 4 --json | json-keys model height
for scale in 1.5 2 3 4 5; do
    tilewright plan upscale in.png out.png --scale $scale --json | json-keys model height
done
tilewright plan upscale in.png out.png --strength high | grep '^model'
tilewright plan upscale in.png out.png --strength medium --scale 1 | grep '^model'
tilewright plan upscale 20.jpg out.png --model photo-2x --strength high --json | json-keys model
tilewright upscale 20.jpg out.png --scale 1 --quiet --json | json-keys model width height exact

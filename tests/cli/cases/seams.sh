# SPDX-License-Identifier: MIT
make-picture in.png 200 150
way="--schedule halo --tile 64 --halo 1"
tilewright plan upscale in.png out.png $way --seams content | sed 's/planned peak .*/.../;/\.\.\./q'
tilewright plan upscale in.png out.png $way --seams content --json | json-keys tile tiles overlap seams to_be_measured
tilewright plan upscale in.png out.png $way --json | grep -c seams
tilewright upscale in.png out.png $way --seams content --threads 1 --quiet --json | json-keys tiles exact seams error_measured_on error_measured_against
# read once from a pipe: the same
tilewright upscale - - $way --seams content --threads 3 --quiet <in.png >piped.png
tilewright compare out.png piped.png --json | json-keys identical
# nothing is seen of the edges of exact tiles
tilewright upscale in.png exact.png --tile 64 --quiet
tilewright upscale in.png exact2.png --tile 64 --seams content 2>&1 | grep ignored
cmp exact.png exact2.png && echo same
tilewright upscale in.png out2.png --seams odd; echo $?
ls

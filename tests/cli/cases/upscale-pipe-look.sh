# SPDX-License-Identifier: MIT
# Which net is run when nobody names one does not depend on whether the picture comes from a file or through a pipe.
printf '#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\nParameters: 1 0 0 1 0 0\nFixedParameters: 0 0\n' >same.tfm
make-picture --grain in.png 320 240
tilewright upscale in.png in.jpg --model photo-2x --scale 1 --quality 20 --quiet
tilewright warp in.jpg was.png --field same.tfm --quiet
tilewright upscale was.png file.png --quiet --json | json-keys model model_because
cat was.png | tilewright upscale - pipe.png --quiet --json | json-keys model model_because scratch_bytes
cmp file.png pipe.png
# What is kept of a pipe for that is a part of it, and where scratch cannot hold the part nobody looks.
long() { printf 'P6\n2000 6000\n255\n'; head -c 36000000 /dev/zero; }
for limit in 40M 16M 8M; do
    long | tilewright plan upscale - out.png --scratch-limit $limit --json | json-keys model_because scratch_bytes
done

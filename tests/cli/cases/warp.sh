# SPDX-License-Identifier: MIT
# a field is applied, planned, told as JSON; what cannot be is refused, and nothing is left
make-picture in.png 300 200
printf '#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\nParameters: 1 0 0 1 %s 0\nFixedParameters: 0 0\n' 10 >shift.tfm
printf '#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\nParameters: 1 0 0 nan 0 0\nFixedParameters: 0 0\n' >nan.tfm
tilewright warp in.png moved.png --field shift.tfm --quiet --json | json-keys schema op width height interpolation outside field field_parts
tilewright warp moved.png back.png --field shift.tfm --outside mirror --interpolate lanczos3 --quiet --json | json-keys interpolation outside
tilewright plan warp in.png x.png --field shift.tfm --size 100x50 --json | json-keys op width height
tilewright warp in.png out.png --field nan.tfm; echo $?
tilewright warp in.png out.png --field none.tfm; echo $?
tilewright warp in.png out.png; echo $?
tilewright warp in.png out.png --field shift.tfm --background 1,2; echo $?
tilewright warp in.png out.png --field shift.tfm --no-tiled-warping --memory 20M; echo $?
ls

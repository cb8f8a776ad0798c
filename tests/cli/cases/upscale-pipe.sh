# SPDX-License-Identifier: MIT
make-picture in.png 40 30
tilewright upscale in.png file.png --quiet
tilewright upscale - - <in.png >pipe.png
tilewright upscale - - --json <in.png 2>report >pipe2.png
json-keys op output <report
cmp file.png pipe.png && cmp file.png pipe2.png && picture-size pipe.png
tilewright compare file.png pipe.png --json | json-keys op

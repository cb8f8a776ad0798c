# SPDX-License-Identifier: MIT
# The block of older configurations: known keys that mean nothing to this operator are passed over.
make-picture a.png 16 12
cat >c.yaml <<END
memory:
  max_registration_pixels: 50000000
  max_warp_pixels: 100000000
  tile_size: 8
  use_tiled_warping: true
  keep_full_resolution: true
max_pixels: 1000
END
tilewright plan upscale a.png out.png --config c.yaml --json | json-keys op tile
tilewright plan upscale a.png out.png --config c.yaml --max-pixels 10; echo $?

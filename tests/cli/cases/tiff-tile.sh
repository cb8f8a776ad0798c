# SPDX-License-Identifier: MIT
# TIFFs in tiles hold the same pixels, and parts of them are read by themselves.
make-picture in.png 300 200
tilewright upscale in.png strips.tif --quiet
tilewright upscale in.png tiles.tif --tiff-tile 64 --quiet
tilewright compare strips.tif tiles.tif --json | json-keys identical
printf '#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\nParameters: 0 1 -1 0 100 349\nFixedParameters: 0 0\n' >turn.tfm
for kind in strips tiles; do
    tilewright warp $kind.tif $kind.png --field turn.tfm --size 150x120 --interpolate nearest --quiet --json | json-keys source_access
done
tilewright compare strips.png tiles.png --json | json-keys identical
# a region of tiles is the region of strips
tilewright upscale strips.tif a.png --scale 2 --region 500,300,64,64 --quiet
tilewright upscale tiles.tif b.png --scale 2 --region 500,300,64,64 --quiet
tilewright compare a.png b.png --json | json-keys identical
tilewright plan upscale tiles.tif out.png --scale 2 --region 500,300,64,64 | grep random
for bad in 24 -16 2048 x; do
    tilewright upscale in.png out.tif --tiff-tile=$bad; echo $?
done
ls

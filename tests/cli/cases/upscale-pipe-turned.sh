# SPDX-License-Identifier: MIT
# A picture that lies on its side, through a pipe into a container that cannot say so: it is turned, as it is from a file.
make-picture in.png 60 40
tilewright upscale in.png plain.jpg --quiet
python3 - <<'END'
jpeg = open("plain.jpg", "rb").read()
exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
open("turned.jpg", "wb").write(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:])
END
tilewright upscale turned.jpg file.ppm --quiet
cat turned.jpg | tilewright upscale - pipe.ppm --quiet
tilewright compare file.ppm pipe.ppm --quiet --json | grep -oE '"(input_width|input_height|identical)":[a-z0-9]*'

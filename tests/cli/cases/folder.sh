# SPDX-License-Identifier: MIT
mkdir in
make-picture in/a.png 16 12
make-picture in/b.png 20 12 1
make-picture in/c.png 12 20 2
head -c 100 in/a.png >in/d.png
echo text >in/notes.txt
tilewright upscale in out 2>errors | sed -E 's/[0-9.]+ s, .*/SECONDS/' | sort; echo "${PIPESTATUS[0]}"
wc -l <errors
picture-size out/*.png
rm in/d.png out/b.png
tilewright upscale in out --resume --json | json-keys op done skipped failed
ls -A out

# SPDX-License-Identifier: MIT
make-picture in.png 3000 3000
tilewright upscale in.png out.png --scale 4 --progress json 2>lines &
pid=$!
until [ -s lines ] && grep -q progress lines; do sleep 0.05; kill -0 $pid 2>/dev/null || break; done
kill -INT $pid
wait $pid
code=$?
tail -n 1 lines >&2
ls -A
exit $code

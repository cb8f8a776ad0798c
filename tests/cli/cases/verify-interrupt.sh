# SPDX-License-Identifier: MIT
make-picture in.png 512 512
tilewright verify in.png --tiles 16,17,18 --progress json 2>lines >table &
pid=$!
until [ -s lines ] && grep -q progress lines; do sleep 0.05; kill -0 $pid 2>/dev/null || break; done
kill -INT $pid
wait $pid
code=$?
tail -n 1 lines >&2
ls -A
exit $code

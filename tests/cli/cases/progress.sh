# SPDX-License-Identifier: MIT
# JSON lines: never falling, ends with 1. Without a terminal: nothing.
make-picture in.png 64 48
tilewright upscale in.png one.png --progress json 2>lines >/dev/null
python3 - <<'END'
import json
steps = [json.loads(line)["progress"] for line in open("lines")]
print("sorted", steps == sorted(steps), "last", steps[-1])
END
tilewright upscale in.png two.png --quiet
tilewright upscale in.png three.png --quiet --progress bar 2>&1 | tr '\r' '\n' | grep -o '100 % .#*.'

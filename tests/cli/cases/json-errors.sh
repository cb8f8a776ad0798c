# SPDX-License-Identifier: MIT
tilewright upscale none.png out.png --json 2>/dev/null | json-keys schema error; echo "${PIPESTATUS[0]}"
tilewright upscale none.png out.png --json --memory 1Q 2>/dev/null | json-keys schema error; echo "${PIPESTATUS[0]}"
tilewright upsacle --json 2>/dev/null | json-keys schema error; echo "${PIPESTATUS[0]}"

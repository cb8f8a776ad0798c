# SPDX-License-Identifier: MIT
make-picture a.png 16 12
run() { tilewright plan upscale a.png out.png --json "$@" --config c.yaml | json-keys "${keys[@]}"; }
keys=(budget_bytes)
echo 'memory: 300M' >c.yaml
run
run --memory 400M
printf 'memory: 300M\ncompare_only: 1\n' >c.yaml
tilewright plan upscale a.png out.png --config c.yaml; echo $?
printf 'memroy: 300M\n' >c.yaml
tilewright plan upscale a.png out.png --config c.yaml; echo $?
printf 'memory:\n  tile_sise: 8\n' >c.yaml
tilewright plan upscale a.png out.png --config c.yaml; echo $?
printf 'scale: huge\n' >c.yaml
tilewright plan upscale a.png out.png --config c.yaml; echo $?
printf 'progress: loud\n' >c.yaml
tilewright plan upscale a.png out.png --config c.yaml; echo $?
printf -- '- a\n- b\n' >c.yaml
tilewright plan upscale a.png out.png --config c.yaml; echo $?
tilewright plan upscale a.png out.png --config none.yaml; echo $?

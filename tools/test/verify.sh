#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# verify.sh BUILD: `tilewright verify` for every model, on crops of a photograph: as small as pictures get, and one of odd sides; for
# one model of each kind a tall one. Nets of two frames have tests/exact/test_between.c. Needs TILEWRIGHT_TEST_MODELS and TILEWRIGHT_TEST_PHOTOS.
set -u
tilewright=$1/tilewright
photo=$TILEWRIGHT_TEST_PHOTOS/usr/share/backgrounds/mate/nature/Garden.jpg
export TILEWRIGHT_MODELS=$TILEWRIGHT_TEST_MODELS XDG_CACHE_HOME
XDG_CACHE_HOME=$(mktemp -d)
trap 'rm -rf "$XDG_CACHE_HOME"' EXIT
tall=" photo-2x realesr-animevideov3-x2 realcugan-2x-se-no-denoise waifu2x-upconv7-anime-2x span-x2-ch48 "
count=0 failed=0
built_in=$("$tilewright" models list | awk '$2 ~ /^x[0-9]+$/ { print $1 }')
for model in $({ printf '%s\n' "$built_in"; cd "$TILEWRIGHT_MODELS" && ls -- *.param | sed 's/\.param$//'; } | sort -u); do
    [ "$("$tilewright" models info "$model" | awk '$1 == "inputs" { print $2 }')" = 1 ] || continue
    crops="1x1 7x3 49x41"
    [[ $tall == *" $model "* ]] && crops="$crops 33x1000"
    for crop in $crops; do
        count=$((count + 1))
        if ! said=$("$tilewright" verify "$photo" --model "$model" --crop "$crop" --memory 8G 2>&1); then
            failed=$((failed + 1))
            printf '%s\n' "$said"
        fi
        echo "$model $crop: $(printf '%s\n' "$said" | tail -n 1)"
    done
done
echo "$count proofs, $failed failed"
[ "$count" -gt 100 ] && [ "$failed" = 0 ]

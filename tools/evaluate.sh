#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# evaluate.sh BUILD [OPTIONS of models/training/evaluate.py]: quality, time and memory of the built-in nets and of the open packs, on
# pictures that no training saw and on two sets that only judge. Prints the tables of docs/models.md.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
. tools/setup/cache.sh
python=$(tools/setup/venv.sh evaluate models/training/evaluate.txt)
pictures=$TW_CACHE/pictures
mkdir -p "$pictures"
"$python/bin/python" -B models/training/pictures.py "$pictures" >/dev/null
"$python/bin/python" -B models/training/drawings.py "$pictures" >/dev/null
TILEWRIGHT_MODELS=$(tools/setup/models.sh realesrgan realcugan span)
export TILEWRIGHT_MODELS

# Pictures that only judge: a package of photographs, and those that scikit-image brings along.
photos=$(tools/setup/photos.sh)
skimage=$TW_CACHE/photos/scikit-image-0.26.0
if [ ! -e "$skimage/complete" ]; then
    rm -rf "$skimage"
    mkdir -p "$skimage"
    "$python/bin/pip" download -q --no-deps -d "$skimage" scikit-image==0.26.0
    (cd "$skimage" && "$python/bin/python" -m zipfile -e ./*.whl files && rm -f ./*.whl && mv files/skimage/data pictures && rm -r files)
    touch "$skimage/complete"
fi
"$python/bin/python" -B models/training/evaluate.py "$build/tilewright" "$pictures" --judge "mate-backgrounds=$photos" \
    --judge "scikit-image=$skimage/pictures" "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# evaluate-between.sh [OPTIONS of models/training/evaluate_between.py]: quality of the net for frames in between, beside blending and
# classical flow. Prints the tables of docs/models.md.
set -eu
cd "$(dirname "$0")/.."
. tools/setup/cache.sh
python=$(tools/setup/venv.sh evaluate-between models/training/evaluate_between.txt)
pictures=$TW_CACHE/pictures
mkdir -p "$pictures"
"$python/bin/python" -B models/training/pictures.py "$pictures" >/dev/null
"$python/bin/python" -B models/training/evaluate_between.py "$pictures" "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# python.sh BUILD: installs bindings/python as a user would, from a copy, and runs its tests against the library that was built.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
python=$(tools/setup/venv.sh python bindings/python/tests/requirements.txt)/bin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r bindings/python "$folder/source" # building leaves files beside the sources
"$python/pip" install -q --no-deps --no-build-isolation --target "$folder/installed" "$folder/source"
export TILEWRIGHT_LIBRARY="$build/libtilewright.so.0" TILEWRIGHT_PROGRAM="$build/tilewright" TILEWRIGHT_DOCS="$PWD/docs"
export PYTHONPATH="$folder/installed" XDG_CACHE_HOME="$folder" PYTHONDONTWRITEBYTECODE=1
cd bindings/python/tests
"$python/python" -m unittest discover -v

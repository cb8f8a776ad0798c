#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# web.sh TILEWRIGHT [NAME...]: the page in Chromium; SCRIPT=shots.js FOLDER instead makes the pictures of the documents.
set -eu
cd "$(dirname "$0")/../.."
program=$(realpath "$1")
shift
NODE_PATH=$(tools/setup/node.sh web-tests tests/web)
CHROMIUM=$(command -v chromium) || { echo "web: chromium is missing" >&2; exit 1; }
export NODE_PATH CHROMIUM
exec node "tests/web/${SCRIPT:-page.js}" "$program" "$@"

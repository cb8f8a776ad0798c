#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# node.sh NAME FOLDER: the npm packages that FOLDER/package-lock.json pins, made once, without running their scripts; prints the
# folder that holds them.
. "$(dirname "$0")/cache.sh"

folder=$TW_CACHE/$1-$(sha256sum "$2/package-lock.json" | cut -c 1-12)
if [ ! -e "$folder/complete" ]; then
    command -v npm >/dev/null || die "npm is missing"
    say "fetching npm packages ($2)"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$2/package.json" "$2/package-lock.json" "$folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --silent) >&2 || die "npm cannot install the packages of $2"
    touch "$folder/complete"
fi
echo "$folder/node_modules"

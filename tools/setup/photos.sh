#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Unpack photographs of a Debian package into the cache, without installing it; print the folder.
# photos.sh [PACKAGE]; the default, mate-backgrounds, is kept for judging: no model was trained on it.
. "$(dirname "$0")/cache.sh"

PACKAGE=${1:-mate-backgrounds}
FOLDER="$TW_CACHE/photos/$PACKAGE"
if [ ! -f "$FOLDER/complete" ]; then
    say "fetching photographs (Debian package $PACKAGE)"
    work=$(mktemp -d "$TW_CACHE/photos.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    (cd "$work" && { apt-get download -q "$PACKAGE" || { as_root apt-get update -q && apt-get download -q "$PACKAGE"; }; }) \
        >"$work/log" 2>&1 || { cat "$work/log" >&2; die "cannot fetch $PACKAGE"; }
    dpkg-deb -x "$work"/*.deb "$work/files"
    touch "$work/files/complete"
    mkdir -p "$(dirname "$FOLDER")"
    rm -rf "$FOLDER"
    mv "$work/files" "$FOLDER"
fi
echo "$FOLDER"

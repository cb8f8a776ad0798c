#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# venv.sh NAME LIST: a Python environment with the packages of LIST (versions pinned there), made once; prints its folder.
. "$(dirname "$0")/cache.sh"

folder=$TW_CACHE/$1-$(sha256sum "$2" | cut -c 1-12)
if [ ! -e "$folder/complete" ]; then
    say "fetching Python packages ($2)"
    rm -rf "$folder"
    { python3 -m venv "$folder" && "$folder/bin/pip" install -q -r "$2"; } >&2 || die "cannot install the packages of $2"
    touch "$folder/complete"
fi
echo "$folder"

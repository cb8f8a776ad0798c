# SPDX-License-Identifier: MIT
# Sourced after cache.sh: fetch PROJECT SHA256 FILE gives $TW_CACHE/downloads/FILE, from the cache when it is there and intact.
PYPI_SIMPLE_VERSION=1.8.0
fetch() {
    mkdir -p "$TW_CACHE/downloads"
    local file="$TW_CACHE/downloads/$3"
    if [ -f "$file" ] && echo "$2  $file" | sha256sum -c --status; then return 0; fi
    local client="$TW_CACHE/pypi-simple-$PYPI_SIMPLE_VERSION"
    if ! "$client/bin/python3" -c 'import pypi_simple' 2>/dev/null; then
        rm -rf "$client"
        python3 -m venv "$client"
        "$client/bin/pip" install -q --disable-pip-version-check "pypi-simple==$PYPI_SIMPLE_VERSION" || die "cannot install pypi-simple"
    fi
    say "fetching $3 (package $1)"
    "$client/bin/python3" "$(dirname "${BASH_SOURCE[0]}")/fetch.py" "$1" "$2" "$file"
}

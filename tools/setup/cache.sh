# SPDX-License-Identifier: MIT
# Sourced by the other set-up scripts: where things built or fetched once are kept, and a log line.
set -eu
TW_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tilewright"
mkdir -p "$TW_CACHE"
say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

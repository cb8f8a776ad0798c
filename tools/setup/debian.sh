#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Install the Debian packages that are needed and missing. `debian.sh` for building, `debian.sh test` adds what tests use,
# `debian.sh judges` is for tools/judges.sh.
. "$(dirname "$0")/cache.sh"

PACKAGES="build-essential cmake meson ninja-build pkg-config ca-certificates python3 python3-venv git
libglib2.0-dev libvips-dev libjansson-dev libcyaml-dev libmicrohttpd-dev"
[ "${1:-}" = test ] && PACKAGES="$PACKAGES mesa-vulkan-drivers clang libclang-rt-14-dev clang-format-14 chromium"
# Rust and npm of any other origin will do, too.
[ "${1:-}" = test ] && ! PATH="$PATH:$HOME/.cargo/bin" command -v cargo >/dev/null && PACKAGES="$PACKAGES cargo"
[ "${1:-}" = test ] && ! command -v npm >/dev/null && PACKAGES="$PACKAGES nodejs npm"
[ "${1:-}" = judges ] && PACKAGES="elastix python3-venv time"

missing=""
for package in $PACKAGES; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
say "installing Debian packages:$missing"
log=$(mktemp)
{ as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
    >"$log" 2>&1 || { tail -n 20 "$log" >&2; rm -f "$log"; die "apt-get could not install:$missing"; }
rm -f "$log"

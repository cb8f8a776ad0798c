#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rust.sh TILEWRIGHT [cargo's words for `test`]: the Rust client and its examples against the program, crates as Cargo.lock has them.
. "$(dirname "$0")/../setup/cache.sh"
program=$(realpath "$1")
shift
cd "$(dirname "$0")/../../bindings/rust"
command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
export TILEWRIGHT=$program CARGO_TARGET_DIR="$TW_CACHE/rust-target"
words=(--locked)
case $(cargo --version) in
# These read the registry's index through git, all of it, unless a switch lets them do what later ones do by themselves. The switch
# is for fetching alone: crates look at it, too, and then take the compiler for another one.
"cargo 1.6"[0-7].*)
    crates=$TW_CACHE/rust-crates-$(sha256sum Cargo.lock | cut -c 1-12)
    if [ ! -e "$crates/complete" ]; then
        rm -rf "$crates"
        RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_SPARSE_REGISTRY=true cargo vendor --locked "$crates/all" >/dev/null
        touch "$crates/complete"
    fi
    words+=(--offline --config 'source.crates-io.replace-with="vendored"' --config "source.vendored.directory=\"$crates/all\"")
    ;;
esac
exec cargo test "${words[@]}" "$@"

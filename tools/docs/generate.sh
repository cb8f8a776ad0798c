#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# generate.sh BUILD [--check]: docs/options.md, man/ and completions/ from the options tables of the built command.
set -eu
cd "$(dirname "$0")/../.."
program=$1/tilewright
[ -x "$program" ] || program=$1/apps/cli/tilewright
exec python3 -B tools/docs/generate.py "$program" . "${@:2}"

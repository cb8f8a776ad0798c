#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks the layout of all C and C++ files (--fix: changes it). The version is pinned: other versions lay out differently.
set -eu
cd "$(dirname "$0")/../.."
tool=clang-format-14
command -v $tool >/dev/null || { echo "format: $tool is missing" >&2; exit 1; }
files=$(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cpp')
if [ "${1:-}" = --fix ]; then exec $tool -i $files; fi
$tool --dry-run --Werror $files 2>&1 | grep -m 20 error && { echo "format: run 'make format'" >&2; exit 1; }
echo "format: $(echo "$files" | wc -l) files are laid out as agreed"

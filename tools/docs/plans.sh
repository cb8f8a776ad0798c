#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# plans.sh BUILD: renews the table of plans in docs/profiles.md.
set -eu
cd "$(dirname "$0")/../.."
export TILEWRIGHT_TEST_MODELS=$(tools/setup/models.sh)
table=$(mktemp)
trap 'rm -f "$table"' EXIT
"$1/tests/unit/test_plan" --markdown >"$table"
sed -i -e '/^<!-- plans -->$/,/^<!-- end -->$/{/^<!-- /!d}' -e "/^<!-- plans -->\$/r $table" docs/profiles.md

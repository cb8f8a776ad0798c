#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# properties.sh TILEWRIGHT: the HTTP server against its own description.
set -eu
cd "$(dirname "$0")/../.."
python=$(tools/setup/venv.sh properties tests/http/requirements.txt)/bin/python
exec "$python" -B tests/http/properties.py "$1"

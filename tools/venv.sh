#!/bin/sh
# tools/venv.sh FOLDER PYTHON REQUIREMENTS -- make a virtual environment, or bring one up to date.
set -eu
[ -x "$1/bin/python" ] && "$1/bin/python" -c '' 2>/dev/null || "$2" -m venv --clear "$1"
# --prefer-binary: build tools from source only where there is no wheel.
"$1/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary -r "$3"

#!/bin/sh
# bench/heap/environment.sh VENV PYTHON BUILD -- an environment with memline, the peers and numpy.
set -eu
tools/venv.sh "$1" "$2" tools/requirements.txt
"$1/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary -r bench/heap/requirements.txt
tools/install.sh "$1" "$3" -Dprogram=false

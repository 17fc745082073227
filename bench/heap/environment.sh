#!/bin/sh
# bench/heap/environment.sh VENV PYTHON BUILD -- an environment with memline, the peers and numpy; the original
# memory_profiler goes into VENV/original, where the drop-in does not hide it.
set -eu
tools/venv.sh "$1" "$2" tools/requirements.txt
venv=$1
"$venv/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary \
    -r bench/heap/requirements.txt
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --upgrade \
    --target "$venv/original" memory_profiler==0.61.0
tools/install.sh "$venv" "$3" -Dprogram=false

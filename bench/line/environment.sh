#!/bin/sh
# bench/line/environment.sh VENV PYTHON BUILD -- an environment with memline, its drop-in and the peers; the
# original memory_profiler goes into VENV/original, where it does not hide the drop-in.
set -eu
tools/venv.sh "$1" "$2" tools/requirements.txt
venv=$1
"$venv/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary \
    -r bench/line/requirements.txt
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --upgrade \
    --target "$venv/original" memory_profiler==0.61.0
tools/install.sh "$venv" "$3" -Dprogram=false

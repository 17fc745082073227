#!/bin/sh
# bench/heap/environment.sh VENV PYTHON BUILD -- an environment with memline, the peers, numpy, and what the programs of
# pyperformance import. The original memory_profiler goes into VENV/original, where the drop-in does not hide it;
# pyperformance into VENV/programs, whose files are nobody's library, so that every tool takes them for the user's own.
set -eu
tools/venv.sh "$1" "$2" tools/requirements.txt
venv=$1
install() {
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary "$@"
}
install -r bench/heap/requirements.txt
install --no-deps --upgrade --target "$venv/original" memory_profiler==0.61.0
install --no-deps --upgrade --target "$venv/programs" pyperformance==1.14.0
programs=$venv/programs/pyperformance/data-files/benchmarks
for name in html5lib sqlglot_v2 sympy tomli_loads; do # as pyperformance pins them
    install -r "$programs/bm_$name/requirements.txt"
done
tools/install.sh "$venv" "$3" -Dprogram=false

#!/bin/sh
# tools/test_py.sh VENV NAME [PYTEST ARGUMENT...] -- run pytest in an environment, only the tests
# called NAME unless it is empty; JUnit to build/results.
set -eu
venv=$1
name=$2
shift 2
# .venv tells as "py", .venvs/3.8 as "py-3.8".
suite=$(echo "$venv" | sed -e 's,^\.venvs/,py-,' -e 's,^\.venv$,py,')
status=0
"$venv/bin/python" -m pytest -q -o "junit_suite_name=$suite" \
    --junit-xml="build/results/$suite.xml" ${name:+-k "$name"} "$@" || status=$?
# 5: no such test here; it may be one of the C tests, and the sum tells if there was none at all.
[ $status = 5 ] && [ -n "$name" ] && status=0
exit $status

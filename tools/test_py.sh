#!/bin/sh
# tools/test_py.sh VENV NAME [PYTEST ARGUMENT...] -- run pytest in an environment, only the tests
# called NAME unless it is empty; JUnit to build/results.
set -eu
python=$1/bin/python
name=$2
shift 2
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
status=0
"$python" -m pytest -q -o "junit_suite_name=python $version" \
    --junit-xml="build/results/py-$version.xml" ${name:+-k "$name"} "$@" || status=$?
# 5: no such test here; it may be one of the C tests, and the sum tells if there was none at all.
[ $status = 5 ] && [ -n "$name" ] && status=0
exit $status

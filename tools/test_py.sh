#!/bin/sh
# tools/test_py.sh VENV [PYTEST ARGUMENT...] -- run pytest in an environment; JUnit to build/results.
set -eu
venv=$1
shift
python=$venv/bin/python
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
exec "$python" -m pytest -q -o "junit_suite_name=python $version" \
    --junit-xml="build/results/py-$version.xml" "$@"

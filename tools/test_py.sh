#!/bin/sh
# tools/test_py.sh VENV NAME [PYTEST ARGUMENT...] -- run pytest in an environment, only the tests
# called NAME unless it is empty; JUnit to build/results. What fails is run once more, alone
# (second_try.py says why).
set -eu
venv=$1
name=$2
shift 2
# .venv tells as "py", .venvs/3.8 as "py-3.8".
suite=$(echo "$venv" | sed -e 's,^\.venvs/,py-,' -e 's,^\.venv$,py,')
results=build/results/$suite.xml

run_tests() {
    xml=$1
    shift
    "$venv/bin/python" -m pytest -q -o "junit_suite_name=$suite" -o "cache_dir=build/cache-$suite" \
        --junit-xml="$xml" ${name:+-k "$name"} "$@"
}

status=0
run_tests "$results" "$@" || status=$?
if [ $status = 1 ]; then
    echo "--- $suite: what failed, once more"
    run_tests "$results.again" --last-failed "$@" || true
    "$venv/bin/python" tools/second_try.py "$results" "$results.again" && status=0
fi
# 5: no such test here; it may be one of the C tests, and the sum tells if there was none at all.
[ $status = 5 ] && [ -n "$name" ] && status=0
exit $status

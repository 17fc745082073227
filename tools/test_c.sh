#!/bin/sh
# tools/test_c.sh BUILD NAME [TEST] -- run the C tests of a build folder; JUnit to build/results/NAME.xml.
# If one fails, they are all run once more: second_try.py says what counts then.
set -u
build=$1
name=$2
only=${3:-}
report=$build/meson-logs/testlog.junit.xml

run_tests() {
    # shellcheck disable=SC2086 # no word at all when empty
    meson test -C "$build" --num-processes 2 --print-errorlogs ${only:+"*$only*"}
    status=$?
    [ -f "$report" ] && cp "$report" "$1"
    return $status
}

run_tests "build/results/$name.xml" && exit 0
echo "--- $name: once more"
run_tests "build/results/$name.xml.again" || true
exec python tools/second_try.py "build/results/$name.xml" "build/results/$name.xml.again"

#!/bin/sh
# tools/test_c.sh BUILD NAME [TEST] -- run the C tests of a build folder; JUnit to build/results/NAME.xml.
set -u
build=$1
name=$2
only=${3:-}
# shellcheck disable=SC2086 # no word at all when empty
meson test -C "$build" --num-processes 2 --print-errorlogs ${only:+"*$only*"}
status=$?
report=$build/meson-logs/testlog.junit.xml
[ -f "$report" ] && cp "$report" "build/results/$name.xml"
exit $status

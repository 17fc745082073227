#!/bin/sh
# tools/sanitizer.sh WHICH BUILD -- build and run the C tests under sanitizers (gcc's).
set -eu
which=$1
build=$2
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" -Dbuildtype=debugoptimized "-Db_sanitize=$which" -Db_lundef=false \
        -Dextension=false -Dtests=true >/dev/null
fi
ninja -C "$build"
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
# gcc 12's thread sanitizer does not know the address layout of newer kernels' randomisation.
fixed_layout=
setarch -R true 2>/dev/null && fixed_layout="setarch -R"
exec $fixed_layout tools/test_c.sh "$build" "${build#build-}"

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
# gcc 12's thread sanitizer does not know the address layout of newer kernels' randomisation.
fixed_layout=
setarch -R true 2>/dev/null && fixed_layout="setarch -R"
exec $fixed_layout tools/test_c.sh "$build" "${build#build-}"

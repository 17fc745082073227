#!/bin/bash
# tools/tap.sh TEST -- run a cmocka executable for Meson, its TAP made right: cmocka 1.1.5 tells a
# skipped case as "not ok", and what a test prints itself would be read as results. Reasons of
# failures go to standard error too, since Meson shows only that.
set -o pipefail
"$@" | awk '
    /^not ok [0-9]+ # SKIP / { $1 = ""; sub(/^ /, ""); number = $2; name = $5
                               print "ok " number " - " name " # SKIP"; fflush(); next }
    /^not ok /               { failed = 1; print; print > "/dev/stderr"; fflush(); next }
    /^#/                     { print; if (failed) print > "/dev/stderr"; fflush(); next }
                             { failed = 0 }
    /^(ok |1\.\.)/           { print; fflush(); next }
                             { print "# " $0; fflush() }'

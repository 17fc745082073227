#!/bin/sh
# tools/pythons.sh [--but VENV | --missing-as-junit]
# The interpreters to test on, a line each: "3.8 /path/to/python3.8", or "3.9 -" if there is none.
# pyenv's come first: its shims on PATH answer only for versions switched on.
#   --but VENV           without the version of that environment, which is tested anyway
#   --missing-as-junit   tell those that are missing as skipped tests, so that the sum shows them
set -eu
here=$(dirname "$0")
root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || echo "${HOME:-/root}/.pyenv")}
but=
[ "${1:-}" != --but ] || but=$("$2/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

list() {
    for version in 3.8 3.9 3.10 3.11 3.12 3.13; do
        [ "$version" != "$but" ] || continue
        found=-
        for candidate in "$root"/versions/"$version".*/bin/python"$version" "python$version"; do
            if "$candidate" "$here/can_build.py" 2>/dev/null; then
                found=$(command -v "$candidate")
                break
            fi
        done
        echo "$version $found"
    done
}

if [ "${1:-}" = --missing-as-junit ]; then
    echo "<testsuites><testsuite name=\"pythons\">"
    list | awk '$2 == "-" {
        printf "<testcase classname=\"python\" name=\"%s\">", $1
        printf "<skipped message=\"NOT TESTED: python %s is not installed\"/></testcase>\n", $1 }'
    echo "</testsuite></testsuites>"
else
    list
fi

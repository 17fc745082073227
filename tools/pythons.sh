#!/bin/sh
# tools/pythons.sh -- the interpreters to test on, a line each: "3.8 /path/to/python3.8", or "3.9 -"
# if there is none. pyenv's come first: its shims on PATH answer only for versions switched on.
set -eu
here=$(dirname "$0")
root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || echo "${HOME:-/root}/.pyenv")}
for version in 3.8 3.9 3.10 3.11 3.12 3.13; do
    found=-
    for candidate in "$root"/versions/"$version".*/bin/python"$version" "python$version"; do
        if "$candidate" "$here/can_build.py" 2>/dev/null; then
            found=$(command -v "$candidate")
            break
        fi
    done
    echo "$version $found"
done

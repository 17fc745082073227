#!/bin/bash
# tools/lint.sh -- every check that runs nothing of ours; goes on after a failure and tells them all.
set -u
status=0
check() {
    local name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "lint: $name: fine"
    else
        echo "lint: $name: FAILED"
        echo "$output"
        status=1
    fi
}
tidy() {
    # It exits with 0 in spite of warnings, and with something else when it cannot read a file.
    local found status=0
    found=$(git ls-files 'src/*.c' |
        xargs -r -P 2 -n 4 clang-tidy -p build --quiet 2>build/clang-tidy.log) || status=1
    [ -z "$found" ] || { echo "$found"; return 1; }
    [ $status = 0 ] || tail -20 build/clang-tidy.log
    return $status
}
c_format() {
    local file status=0
    while read -r file; do
        clang-format --dry-run --Werror "$file" 2>/dev/null || { echo "  $file"; status=1; }
    done < <(git ls-files '*.c' '*.h')
    [ $status = 0 ] || echo "  try: make format"
    return $status
}
check "C format" c_format
check "Python format" ruff format -q --check .
check "ruff" ruff check -q .
[ -f python/memline/__init__.py ] && check "mypy" mypy --no-error-summary python
check "TypeScript" tsc -p web
# Minutes of work for two cores, so the gate leaves it to `make lint` at a desk.
[ -n "${CI:-}" ] || check "clang-tidy" tidy
check "arrows" python tools/check_layers.py
check "fragments of the changelog" python tools/changelog.py --check
python tools/longest.py
exit $status

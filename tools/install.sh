#!/bin/sh
# tools/install.sh VENV BUILD [MESON OPTION...] -- install the package and the drop-in into VENV,
# built in folder BUILD. Parts that the tree does not have yet are left out.
set -eu
venv=$1
build=$2
shift 2
PATH=$(cd "$venv" && pwd)/bin:$PATH
set -- -Dbuildtype=release -Db_ndebug=false -Db_vscrt=md "$@"
for option; do
    set -- "$@" "-Csetup-args=$option"
    shift
done
install() {
    python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps \
        --force-reinstall "$@"
}
if [ -f python/memline/meson.build ]; then
    install "-Cbuild-dir=$build" "$@" .
fi
# The drop-in is plain Python: one wheel, made with .venv, fits all.
if [ "$build" = build ] && [ -f compat/pyproject.toml ]; then
    rm -rf build/wheels
    python -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps \
        -w build/wheels ./compat
fi
for wheel in build/wheels/*.whl; do
    [ ! -f "$wheel" ] || install "$wheel"
done
# The wheel of .venv brings the program. It looks for the interpreter beside itself, so that every
# other environment needs a copy.
if [ "$build" != build ] && [ -f build/memline ]; then
    cp -f build/memline "$venv/bin/memline"
fi

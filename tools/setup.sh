#!/bin/sh
# tools/setup.sh [build] [test] [lint] [bench] [node] -- install the Debian packages that are missing, and only those.
# Quick when there is nothing to do. Needs root or sudo only if there is.
set -eu

build="gcc pkg-config libsqlite3-dev libuv1-dev libmicrohttpd-dev libjansson-dev libpcre2-dev
       libcurl4-openssl-dev libzstd-dev zlib1g-dev libedit-dev libgnutls28-dev ca-certificates esbuild"
test="libcmocka-dev libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0 chromium nodejs clickhouse-server"
lint="clang clang-format clang-tidy libclang-rt-14-dev nodejs node-typescript"
bench="valgrind wrk"
node="nodejs npm"
python=${PYTHON:-python3}

wanted=""
for group in "${@:-build}"; do
    case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    lint) wanted="$wanted $lint" ;;
    bench) wanted="$wanted $bench" ;;
    node) wanted="$wanted $node" ;;
    *)
        echo "setup: unknown group '$group'" >&2
        echo "  try: tools/setup.sh build test lint bench node" >&2
        exit 2
        ;;
    esac
done

# An interpreter from elsewhere (pyenv, uv) brings its own venv module and headers.
"$python" "$(dirname "$0")/can_build.py" 2>/dev/null ||
    wanted="$wanted python3 python3-venv python3-dev"

if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; if the build misses something, it is one of:$wanted" >&2
    exit 0
fi
missing=""
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo="sudo"
    if ! command -v sudo >/dev/null; then
        echo "setup: cannot install missing packages without root" >&2
        echo "  try: as root, apt-get install$missing" >&2
        exit 1
    fi
fi
echo "setup: installing$missing"
apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 "$@"
}
apt update
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing >/dev/null

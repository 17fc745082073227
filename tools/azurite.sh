#!/bin/sh
# tools/azurite.sh FOLDER -- install Azurite, the storage emulator that the tests of queues and blobs talk to.
# Where Node cannot be had it says so and ends well: those tests are then skipped, with that reason.
set -eu

version=3.35.0
folder=$1
if [ -f "$folder/version" ] && [ "$(cat "$folder/version")" = "$version" ]; then
    exit 0
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    "$(dirname "$0")/setup.sh" node || true
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "azurite: there is no node and npm here; the tests that need Azurite are skipped" >&2
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
# Its optional parts and the scripts of its dependencies are for other uses.
if npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --omit=optional \
    --loglevel=error "azurite@$version" >"$folder/npm.log" 2>&1; then
    echo "$version" >"$folder/version"
else
    echo "azurite: npm cannot install azurite@$version; the tests that need it are skipped" >&2
    tail -3 "$folder/npm.log" >&2
fi

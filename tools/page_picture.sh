#!/bin/sh
# tools/page_picture.sh -- docs/page.png: the page of a real run, as a browser shows it; called by `make page`.
set -eu
if ! command -v chromium >/dev/null; then
    echo "page: no chromium, which takes the picture" >&2
    echo "  try: tools/setup.sh test" >&2
    exit 1
fi
memline run --no-report --stacks -o build/page.book demo/words.py >/dev/null
memline report --html -o build/page.html build/page.book
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
    --virtual-time-budget=5000 --user-data-dir="$profile" --window-size=1180,820 \
    --screenshot=docs/page.png "file://$PWD/build/page.html" 2>/dev/null
echo "docs/page.png: $(wc -c <docs/page.png) bytes"

#!/bin/sh
# tools/demo.sh -- what memline does, on real input; called by `make demo`.
set -eu
title() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}
title "1. An unchanged program: memline run demo/words.py"
memline run -o build/words.book --min 256KiB demo/words.py 2>&1

title "2. Code that imports memory_profiler, unchanged, with aiohttp and requests: python demo/tutorial.py"
python demo/tutorial.py 2>&1

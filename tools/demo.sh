#!/bin/sh
# tools/demo.sh -- what memline does, on real input; called by `make demo`. Everything is made anew below build/demo.
set -eu
title() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}
# A command as one would type it, and the last line of what it prints that tells something.
show() {
    printf '$ %s\n' "$*"
    "$@" | grep -v 'Did you know' | tail -1
}
top=$PWD
rm -rf build/demo
mkdir -p build/demo
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done' EXIT INT TERM

# The first line of the file that holds the text, waiting for it a minute at most; fails with what the file says.
line_with() {
    for _ in $(seq 600); do
        if grep -m 1 "$1" "$2" 2>/dev/null; then return; fi
        sleep 0.1
    done
    cat "$2" >&2
    return 1
}

title "1. An unchanged program: memline run demo/words.py"
memline run -o build/words.book --min 256KiB demo/words.py 2>&1

title "2. Code that imports memory_profiler, unchanged, with aiohttp and requests: python demo/tutorial.py"
python demo/tutorial.py 2>&1

title "3. The tutorial of Azure Functions, on this machine: a project with two functions"
cd build/demo
show memline func init TutorialApp --python -m v1
cd TutorialApp
for name in HttpTriggerAsync HttpTriggerSync; do
    show memline func new -l python -t HttpTrigger -n "$name" -a anonymous
    cp "$top/demo/functions/$name.py" "$name/__init__.py"
done

title "4. It runs: memline func start, and a GET to each function"
python "$top/demo/page.py" >../page &
pids="$pids $!"
PAGE=$(line_with http ../page)
export PAGE
memline func start --port 0 >../console 2>&1 &
pids="$pids $!"
url=$(line_with 'HttpTriggerAsync: .*http' ../console | sed 's/.*\(http:[^ ]*\)Async.*/\1/')
for name in Async Sync; do
    printf '$ curl %s\n' "$url$name"
    python -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' "$url$name"
done
for name in Async Sync; do
    line_with "Executed 'Functions.HttpTrigger$name'" ../console >/dev/null
done

title "5. What the console said"
sed -n '/Executing/,$p' ../console

title "6. The published query, unchanged, over what was recorded: memline query -f demo/published.kql"
memline query -f "$top/demo/published.kql"

title "7. Which lines took memory, as a chart"
memline query --format chart 'traces
| where message startswith_cs "memory_profiler_logs:"
| parse message with "memory_profiler_logs: " LineNumber:long "  " Total_MiB:real " MiB  " Increment_MiB:real " MiB  " *
| where Increment_MiB > 0 and Increment_MiB < Total_MiB // the first line of a table has all that was there before
| project line = strcat("line ", LineNumber), Increment_MiB
| render barchart'

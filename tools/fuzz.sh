#!/bin/sh
# tools/fuzz.sh NAME SECONDS -- run one fuzzer, or with an empty NAME every one, from its corpus.
# What it learns stays in build-fuzz/corpus; a crash is left in build-fuzz/ and fails the run.
set -eu
name=$1
seconds=$2
if [ ! -f fuzz/meson.build ]; then
    echo "fuzz: no fuzzers yet"
    exit 0
fi
if [ ! -f build-fuzz/build.ninja ]; then
    CC=clang meson setup build-fuzz -Dbuildtype=debugoptimized -Dextension=false -Dfuzz=true \
        -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
fi
ninja -C build-fuzz
status=0
ran=0
for fuzzer in build-fuzz/fuzz/fuzz_*; do
    [ -f "$fuzzer" ] && [ -x "$fuzzer" ] || continue
    short=${fuzzer##*/fuzz_}
    [ -z "$name" ] || [ "$name" = "$short" ] || continue
    learned=build-fuzz/corpus/$short
    mkdir -p "$learned"
    set -- "$learned"
    [ -d "fuzz/corpus/$short" ] && set -- "$@" "fuzz/corpus/$short"
    [ -f "fuzz/$short.dict" ] && set -- "-dict=fuzz/$short.dict" "$@"
    log=build-fuzz/$short.log
    if "$fuzzer" "-max_total_time=$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -verbosity=0 "-artifact_prefix=build-fuzz/crash-$short-" "$@" >"$log" 2>&1; then
        echo "fuzz: $short: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, fine"
    else
        cat "$log"
        echo "fuzz: $short: FAILED"
        status=1
    fi
    ran=$((ran + 1))
done
if [ $ran = 0 ]; then
    echo "fuzz: no fuzzer called '$name'" >&2
    exit 1
fi
exit $status

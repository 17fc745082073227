#!/bin/bash
# tools/test_arm64.sh FOLDER [NAME] -- the core's C tests on 64-bit ARM, by QEMU's user mode: the accounting, the book, the
# hooks in the slots of ELF objects. Root (or sudo) adds Debian's arm64 packages, if they are missing.
# The Python extension and the program are not built here: their libraries and interpreters are too many.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/native"
cd "$1"
only=${2:-}

missing=""
for package in gcc-aarch64-linux-gnu qemu-user-static libcmocka-dev:arm64; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "test_arm64: installing$missing"
    sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
    $sudo dpkg --add-architecture arm64
    $sudo apt-get -qq update
    # shellcheck disable=SC2086 # a list of words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
fi

compile() {
    aarch64-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -DML_VERSION='"arm64"' -I"$source/src" -I"$source/tests/c" -O2 -g -fPIC \
        -Wall -Wextra -Wshadow -Wconversion -Wno-unused-parameter "$@"
}
for file in "$source"/src/base/*.c "$source"/src/core/*.c; do
    compile -Werror -fvisibility=hidden -c -o "$(basename "$(dirname "$file")")-$(basename "$file" .c).o" "$file"
done
rm -f libcore.a
aarch64-linux-gnu-ar rcs libcore.a ./*.o

# What tests/c/core/native/meson.build makes.
library() {
    out=$1 file=$2
    shift 2
    compile -w -fno-builtin -shared -o "native/$out" "$source/tests/c/core/native/$file" "$@"
}
library family_lazy.so family.c -Wl,-z,lazy
library family_now.so family.c -Wl,-z,now -Wl,-z,relro
library table.so table.c -Wl,-z,relro
library other.so other.c -Wl,-Bsymbolic
library libneeded.so needed.c
# shellcheck disable=SC2016 # the dynamic linker's word
library needs.so needs.c -Lnative -lneeded '-Wl,-rpath,$ORIGIN'

passed=0 failed=0
for name in ledger ptrmap maps slope series scope heap heap_scope sampler book snapshot proc rss elf_slots native native_maps; do
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    compile -w -DNATIVE_FOLDER="\"$PWD/native\"" -o "test_$name" "$source/tests/c/core/test_$name.c" \
        libcore.a -lcmocka -lpthread -ldl -lm
    if timeout 300 qemu-aarch64-static "./test_$name" >"$name.log" 2>&1; then
        echo "arm64 core/$name: $(grep -c '       OK' "$name.log") passed"
        passed=$((passed + $(grep -c '       OK' "$name.log")))
    else
        cat "$name.log"
        echo "arm64 core/$name: FAILED"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

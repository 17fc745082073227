"""Sub-interpreters, from 3.12 on with a lock each: no count is lost, and lines of the main one are as ever."""

import sys

import pytest

pytest.importorskip("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")

MAKE = """
import json, sys, threading
import memline
try:
    import _interpreters as interpreters
    execute = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters
    execute = interpreters.run_string
"""
CHURN = """
def churn(n):
    kept = []
    for i in range(n):
        kept.append([i, str(i) * 3, {i: i}])
        if len(kept) > 50:
            kept.clear()
"""
PROGRAM = (
    MAKE
    + CHURN
    + f"""
CHURN = {CHURN!r} + "churn(100000)"
KEEP = "keep = bytearray(10_000_000)"

def work(n):
    big = bytearray(1_000_000)
    for i in range(n):
        x = [i, str(i)]
    return big

def sub():
    execute(ids[0], KEEP)
    return bytearray(1_000_000)

def tell():
    return None

def run():
    global ids
    wrong = []
    def go(i):
        e = execute(i, CHURN)
        if e:
            wrong.append(e)
    for round in range(3):
        ids = [interpreters.create() for _ in range(3)]
        threads = [threading.Thread(target=go, args=(i,)) for i in ids]
        for t in threads:
            t.start()
        churn(50000)
        kept.append(work(20000))
        churn(50000)
        for t in threads:
            t.join()
        kept.append(sub())
        for i in ids:
            interpreters.destroy(i)
    assert not wrong, wrong
    return kept

kept = []
"""
)


def line(text, start):
    return 1 + next(i for i, x in enumerate(text.splitlines()) if x.strip().startswith(start))


def test_no_count_is_lost(tmp_path, run_program):
    path = tmp_path / "many.py"
    path.write_text(PROGRAM)
    ran = run_program(path, functions=["work", "sub"])
    heap = ran.heap
    owned = sum(r["held_bytes"] for r in ran.rows)
    owned += heap["outside"]["held_bytes"] + heap["native_threads"]["held_bytes"]
    assert owned == heap["live_bytes"]
    for row in ran.rows:
        assert row["alloc_bytes"] - row["freed_bytes"] == row["held_bytes"] >= 0
    assert heap["outside"]["alloc_count"] > 3 * 3 * 300_000
    assert [ran.line(line(PROGRAM, s))["hits"] for s in ("big =", "for i", "x =", "return big")][
        0::2
    ] == [3, 60000]
    big = sys.getsizeof(bytearray(1_000_000))
    assert abs(ran.line(line(PROGRAM, "big ="))["held_bytes"] - 3 * big) < 1000
    assert abs(ran.line(line(PROGRAM, "return bytearray"))["held_bytes"] - 3 * big) < 1000
    # What another interpreter does within a line is the line's, its end too.
    assert ran.line(line(PROGRAM, "execute(ids"))["alloc_bytes"] > 30_000_000
    assert ran.line(line(PROGRAM, "execute(ids"))["held_bytes"] < 3_000_000


def test_memline_stays_in_the_main_interpreter(run, python, tmp_path):
    path = tmp_path / "asks.py"
    path.write_text(
        MAKE
        + """
i = interpreters.create()
error = execute(i, '''
try:
    import memline._core
    print("there")
except ImportError:
    print("refused", flush=True)
''')
interpreters.destroy(i)
def work():
    return bytearray(100)
work()
print([row.hits for row in memline.snapshot().rows if row.function == "work"])
"""
    )
    done = run([python, path], env={"MEMLINE": "heap", "MEMLINE_BOOKS": str(tmp_path / "books")})
    assert done.stdout.splitlines() == ["refused", "[1]"]
    assert "Traceback" not in done.stderr and "memline.pth" not in done.stderr, done.stderr


CAREFUL = (
    MAKE
    + CHURN
    + """
import bz2, struct, time

def outside():
    "Frees charged with the lock and without it, to what is outside of lines: docs/book-format.md."
    book = open(memline._core.book_path(), "rb").read()
    at, used = 4096, struct.unpack_from("Q", book, 40)[0]
    while at < used:
        kind, size, count, _ = struct.unpack_from("4I", book, at)
        first = (at + 16 + 63) // 64 * 64
        for i in range(count if kind == 4 else 0):
            if struct.unpack_from("I", book, first + 192 * i + 184)[0] == 2:
                return struct.unpack_from("3Q", book, first + 192 * i + 80)[::2]
        at += size

def atomic(pause=0.0):
    "Of the frees from now on, how many are charged atomically: few, or most?"
    time.sleep(pause)
    if pause:
        churn(20000)
    before = outside()
    churn(20000)
    after = outside()
    plain, atomic = after[0] - before[0], after[1] - before[1]
    assert plain + atomic > 20000
    return atomic > plain

memline.start(include=[__file__], functions=["nothing"])
seen = [atomic()]
block = bz2.BZ2Compressor()  # as large as an interpreter
seen += [atomic(), atomic(1.1)]
i = interpreters.create()
seen += [atomic(), atomic(1.1)]
interpreters.destroy(i)
seen.append(atomic(1.1))
print(seen)
"""
)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="interpreters share one lock before 3.12")
def test_atomic_adds_only_while_there_may_be_another_lock(run, python, tmp_path):
    path = tmp_path / "careful.py"
    path.write_text(CAREFUL)
    done = run([python, path], env={"MEMLINE_BOOKS": str(tmp_path / "books")})
    assert done.stdout == "[False, True, False, True, True, False]\n"

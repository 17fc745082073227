"""More threads at once than one table of the book has slots for: whoever reads the live book, or what a killed
process left, sees what each of them keeps."""

import json
import os
import signal
import subprocess
import sys

import pytest

THREADS = 2000
BYTES = 10_000
PROGRAM = f"""
import sys, threading
import memline

threading.stack_size(128 << 10)
ready = threading.Semaphore(0)
go_on = threading.Event()

def work():
    mine = bytearray({BYTES})
    ready.release()
    go_on.wait()

memline.start(include=[__file__], functions=["work"])
for _ in range({THREADS}):
    threading.Thread(target=work, daemon=True).start()
for _ in range({THREADS}):
    ready.acquire()
print(memline._core.book_path(), flush=True)
sys.stdin.readline()
"""
LINE = 1 + PROGRAM.splitlines().index(f"    mine = bytearray({BYTES})")


def check(run, program, book):
    told = json.loads(run([program, "report", "--json", book]).stdout)
    lines = [line for f in told["functions"] for line in f["lines"] if f["name"] == "work"]
    mine = next(line for line in lines if line["line"] == LINE)
    expected = THREADS * (BYTES + sys.getsizeof(bytearray()) + 1)
    assert mine["hits"] == THREADS
    assert 0 <= mine["held_bytes"] - expected <= 16 * THREADS + 64
    heap = told["summary"]
    owned = sum(line["held_bytes"] for line in lines)
    owned += heap["outside"]["held_bytes"] + heap["native_threads"]["held_bytes"]
    assert owned == heap["live_bytes"]


@pytest.mark.figures
def test_a_reader_of_the_book_sees_every_thread(run, program, tmp_path):
    (tmp_path / "many.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, "many.py"],
        cwd=str(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "MEMLINE_BOOKS": str(tmp_path / "books"), "MEMLINE_CONFIG": ""},
    )
    try:
        book = process.stdout.readline().decode().strip()
        check(run, program, book)  # live
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    check(run, program, book)  # what was left

"""K25: children of a program whose threads allocate meanwhile begin at 0, with what they inherit."""

import os

import pytest
from heap_claims import laws

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
CHILDREN = int(os.environ.get("MEMLINE_FORKS", "40"))  # 1000 in the specification

PROGRAM = f"""
import json, os, signal, threading, warnings
warnings.simplefilter("ignore")

def churn():
    kept = [None] * 100
    i = 0
    while not over:
        kept[i % 100] = bytearray(i % 3000)
        i += 1

def child(to):
    global mine
    import memline
    signal.alarm(60)
    mine = bytearray(20_000_000)
    rows = memline.snapshot().rows
    of = {{(r.function, r.line): r for r in rows}}
    own, old = of["child", 16], of["run", 26]
    os.write(to, json.dumps([own.alloc_bytes, own.held_bytes, old.alloc_bytes, old.held_bytes]).encode())
    os._exit(0)

def run():
    global kept, over, told
    over = False
    kept = bytearray(10_000_000)
    threads = [threading.Thread(target=churn, daemon=True) for _ in range(4)]
    for t in threads:
        t.start()
    told = []
    for i in range({CHILDREN}):
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child(w)
            finally:
                os._exit(1)
        os.close(w)
        assert os.waitpid(pid, 0)[1] == 0
        told.append(json.loads(os.read(r, 1000)))
        os.close(r)
    over = True
    for t in threads:
        t.join()
"""


@pytest.mark.figures
@pytest.mark.parametrize("mode", ["heap", "sample"])
def test_each_child_tells_its_own_and_what_it_inherits(tmp_path, run_program, mode):
    """Blocks so large are certain to be sampled: both modes tell them to the byte. Small ones beside them are hit by a
    sample of 64 KiB in one child of a thousand."""
    path = tmp_path / "forks.py"
    path.write_text(PROGRAM)
    functions = ["run", "child", "churn"]
    wanted = {
        "told": "told",
        "mine": "bytearray(20_000_000).__sizeof__()",
        "kept": "kept.__sizeof__()",
    }
    ran = run_program(path, wanted, functions=functions, mode=mode, rate="64KiB")
    mine, kept = ran.values["mine"], ran.values["kept"]
    assert len(ran.values["told"]) == CHILDREN
    most = 1_024 if mode == "heap" else 3 * 65_600
    off = [max(abs(alloc - mine), abs(held - mine)) for alloc, held, _, _ in ran.values["told"]]
    assert max(off) <= most
    assert sum(x <= 1_024 for x in off) >= CHILDREN - 2 - CHILDREN // 100
    parent = [r for r in ran.rows if r["function"] == "run" and r["line"] == 26][0]
    assert abs(parent["alloc_bytes"] - kept) <= most
    assert abs(parent["held_bytes"] - parent["alloc_bytes"]) <= 1_024
    for _, _, alloc, held in ran.values["told"]:
        assert alloc == 0 and abs(held - parent["held_bytes"]) <= 1_024
    assert not any(r["function"] == "child" for r in ran.rows)
    if mode == "heap":
        laws(ran)


@pytest.mark.figures
def test_a_line_goes_on_in_the_child(tmp_path, run_program):
    """The laws hold in it: what its lines own is its heap, inherited bytes included."""
    path = tmp_path / "law.py"
    path.write_text(
        """
import os, json
def run():
    global kept, child
    kept = bytearray(10_000_000)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        import memline
        mine = bytearray(20_000_000)
        here = memline.snapshot()
        os.write(w, json.dumps([here.heap["live_bytes"], sum(r.held_bytes for r in here.rows)]).encode())
        os._exit(0)
    os.close(w)
    assert os.waitpid(pid, 0)[1] == 0
    child = json.loads(os.read(r, 1000))
"""
    )
    ran = run_program(path, {"child": "child"})
    live, held = ran.values["child"]
    assert abs(held - 30_000_000) < 100_000  # its own 20 MB, and 10 MB inherited
    assert abs(live - 30_000_000) < 2_000_000
    laws(ran)

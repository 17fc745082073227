"""Known answers by scope: K29, tasks on one loop; K30, invocations of a handler. Blocks of a hundred thousand bytes
and more are certain to be sampled, so that both modes tell the same."""

import sys

import pytest

pytestmark = pytest.mark.figures
MODES = pytest.mark.parametrize("mode", ["heap", "sample"])

TASKS = """
import asyncio, concurrent.futures, memline
KEPT = []
BIG = []

async def work(n, size):
    for _ in range(n):
        KEPT.append(bytearray(size))
        await asyncio.sleep(0)

def in_thread(size):
    BIG.append(bytearray(size))

async def child(size):
    await asyncio.sleep(0)
    BIG.append(bytearray(size))

async def task(name, n, size):
    with memline.scope("task", id=name):
        await work(n, size)
        await asyncio.create_task(child(3_000_000))
        if hasattr(asyncio, "to_thread"):
            await asyncio.to_thread(in_thread, 4_000_000)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, in_thread, 5_000_000)

async def main():
    await asyncio.gather(task("A", 10, 1_000_000), task("B", 5, 2_000_000))

def run():
    asyncio.run(main())
"""

HANDLER = """
import asyncio, memline
CACHE = [None] * 1000

def handle(n):
    tmp = bytearray(1_000_000)
    CACHE[n] = bytearray(100_000)

async def request(n, room):
    async with room:
        with memline.scope("invocation", id=n):
            await asyncio.sleep(0.001)
            handle(n)
            await asyncio.sleep(0.001)

async def main():
    room = asyncio.Semaphore(50)
    await asyncio.gather(*[request(n, room) for n in range(1000)])

def run():
    asyncio.run(main())
"""


def block(n):
    return bytearray(n).__sizeof__()


def by_scope(ran, line):
    """{scope's key: (allocated, held)} of a line; key "": in no scope."""
    keys = {s["id"]: s["key"] for s in ran.scopes}
    whole = ran.line(line)
    rest = (whole["alloc_bytes"], whole["held_bytes"])
    found = {}
    for row in ran.scope_rows:
        if row["line"] == line:
            assert keys[row["scope"]] not in found
            found[keys[row["scope"]]] = (row["alloc_bytes"], row["held_bytes"])
            rest = (rest[0] - row["alloc_bytes"], rest[1] - row["held_bytes"])
    return {**found, "": rest} if rest[0] > 20_000 else found


@MODES
def test_k29_tasks_on_one_loop(tmp_path, run_program, mode):
    """Tasks and threads of to_thread inherit the scope; a plain executor's threads have none."""
    path = tmp_path / "tasks.py"
    path.write_text(TASKS)
    functions = ["run", "main", "task", "work", "child", "in_thread"]
    ran = run_program(path, functions=functions, mode=mode, rate="4KiB", seed=1)
    lines = TASKS.splitlines()
    keep, thread, child = (
        i + 1
        for i, text in enumerate(lines)
        if text.strip() in ("KEPT.append(bytearray(size))", "BIG.append(bytearray(size))")
    )
    slack = 1_024 if mode == "heap" else 40_000  # lists: a few samples of 4 KiB
    expected = {
        keep: {"A": 10 * block(1_000_000), "B": 5 * block(2_000_000)},
        child: {"A": block(3_000_000), "B": block(3_000_000)},
        thread: {"": 2 * block(5_000_000)},
    }
    if sys.version_info >= (3, 9):
        expected[thread].update({"A": block(4_000_000), "B": block(4_000_000)})
    for line, rows in expected.items():
        found = by_scope(ran, line)
        assert set(found) == set(rows)
        for key, value in rows.items():
            assert abs(found[key][1] - value) <= slack, (line, key)


@MODES
def test_k30_what_an_invocation_leaves_behind(tmp_path, run_program, mode):
    path = tmp_path / "handler.py"
    path.write_text(HANDLER)
    ran = run_program(path, functions=["handle"], mode=mode, rate="4KiB", seed=1)
    tmp, kept = block(1_000_000), block(100_000)
    lines = HANDLER.splitlines()
    first = lines.index("    tmp = bytearray(1_000_000)") + 1
    temporary, cached = by_scope(ran, first), by_scope(ran, first + 1)
    assert set(temporary) == set(cached) == {str(n) for n in range(1000)}
    slack = 1_024 if mode == "heap" else 12_500  # small blocks: three samples of 4 KiB
    assert max(held for _, held in temporary.values()) <= slack
    for scope in ran.scopes:
        assert abs(scope["alloc_bytes"] - tmp - kept) <= slack
        assert abs(scope["held_bytes"] - kept) <= slack
    slope = sum(scope["held_bytes"] for scope in ran.scopes) / 1000
    assert abs(slope - kept) <= 100
    total = ran.line(first + 1)
    assert abs(total["held_bytes"] - 1000 * kept) <= 100 * 1024
    assert ran.line(first)["held_bytes"] <= slack

"""Known-answer programs, exact mode: every figure that a line claims is what was booked."""

import os

import pytest
from heap_claims import FIELDS, HERE, claims_of

PROGRAMS = sorted((HERE / "programs").glob("*.py"))
FUNCTIONS = {
    "k09_callee": ["run", "inner"],
    "k10_unprofiled_callee": ["run", "key"],
    "k11_unwind": ["run", "boom"],
    "k12_generator": ["run", "gen", "closed"],
    "k13_recursion": ["run", "fib"],
    "k15_pauses": [
        "run",
        "two",
        "freed",
        "thrice",
        "other",
        "outer",
        "gen",
        "silent",
        "in_turns",
        "less",
    ],
    "k21_threads": ["run", "work"],
    "k22_other_thread_frees": ["run", "produce", "consume"],
    "k33_collector": ["run", "__init__", "noted"],
    "k34_greenlets": ["run", "first", "second", "deep", "deeper", "thrown", "given_up"],
}


def check(ran, claims):
    wrong = []
    for i, claim in enumerate(claims):
        value = ran.values[str(i)]
        got = ran.line(claim.line)[FIELDS[claim.field]]
        good = got >= value if claim.least else abs(got - value) <= claim.tolerance
        if not good:
            wrong.append(f"line {claim.line}: {claim.field} is {got}, not {value} ({claim.text})")
    assert not wrong, "\n".join(wrong)


OTHERS = [
    (p, a) for p in PROGRAMS if p.stem[:3] in ("k02", "k12", "k16") for a in ("malloc", "debug")
]


@pytest.mark.parametrize(
    "path,allocator",
    [(p, "default") for p in PROGRAMS] + OTHERS,
    ids=lambda x: getattr(x, "stem", x),
)
def test_line_figures(path, allocator, run_program):
    claims = claims_of(path)
    assert claims
    ran = run_program(
        path,
        {str(i): c.text for i, c in enumerate(claims)},
        env={"PYTHONMALLOC": allocator},
        functions=FUNCTIONS.get(path.stem, ["run"]),
    )
    check(ran, claims)
    laws(ran)


def laws(ran):
    """DESIGN.md, section 3: what lines and the rest own is what is alive."""
    heap = ran.heap
    outside, native = heap["outside"], heap["native_threads"]
    owned = sum(r["held_bytes"] for r in ran.rows) + outside["held_bytes"] + native["held_bytes"]
    assert owned == heap["live_bytes"]
    changed = sum(r["own_net_bytes"] for r in ran.rows) + outside["own_net_bytes"]
    assert changed == heap["live_bytes"]
    for row in ran.rows:
        assert row["alloc_bytes"] - row["freed_bytes"] == row["held_bytes"] >= 0
        assert row["freed_count"] <= row["alloc_count"]
        assert row["peak_bytes"] >= 0
    assert heap["stale_blocks"] == 0


def test_paths_change_no_figure(run_program):
    path = HERE / "programs" / "k09_callee.py"
    claims = claims_of(path)
    wanted = {str(i): c.text for i, c in enumerate(claims)}
    ran = run_program(path, wanted, functions=["run", "inner"], stacks=True)
    check(ran, claims)
    laws(ran)


def test_line_above_256_costs_nothing(tmp_path, run_program):
    """3.12 makes an int for each line event above line 256: not the program's."""
    path = tmp_path / "long.py"
    path.write_text(
        "\n" * 300
        + "def run():\n    x = 0\n    for i in range(100):\n        x = i\n    return x\n"
    )
    ran = run_program(path)
    assert [(r["alloc_bytes"], r["own_net_bytes"]) for r in ran.rows if r["line"] > 303] == [
        (0, 0),
        (0, 0),
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork(tmp_path, run_program):
    path = tmp_path / "forks.py"
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
        rows = {row.line: row for row in here.rows}
        os.write(w, json.dumps([rows[9].held_bytes if 9 in rows else 0, here.heap["live_bytes"],
                                sum(r.held_bytes for r in here.rows)]).encode())
        os._exit(0)
    os.close(w)
    assert os.waitpid(pid, 0)[1] == 0
    child = json.loads(os.read(r, 1000))
    after = 1
"""
    )
    ran = run_program(path, {"child": "child"})
    live, held = ran.values["child"][1:]
    assert abs(held - 30_000_000) < 100_000  # its own 20 MB, and 10 MB inherited
    assert abs(live - 30_000_000) < 2_000_000
    assert abs(ran.line(5)["held_bytes"] - 10_000_057) < 1024
    laws(ran)

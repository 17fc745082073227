"""Known-answer programs: every figure that a line claims is what was booked; by samples, near it."""

import math

import pytest
from heap_claims import FIELDS, HERE, claims_of, laws

NEEDS = {"k26_numpy_large": "numpy", "k27_numpy_small": "numpy"}
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
    pytest.importorskip(NEEDS.get(path.stem, "sys"))
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


SUMS = ("alloc", "freed", "held")  # the figures that samples tell
SAMPLED = [p for p in PROGRAMS if any(c.field in SUMS for c in claims_of(p))]


@pytest.mark.figures
@pytest.mark.parametrize("path", SAMPLED, ids=lambda x: x.stem)
def test_line_figures_by_samples(path, run_program):
    """The variance of a line's estimate is at most its bytes times those between samples, whatever its blocks."""
    pytest.importorskip(NEEDS.get(path.stem, "sys"))
    claims = [c for c in claims_of(path) if c.field in SUMS and not c.least]
    wanted = {str(i): c.text for i, c in enumerate(claims)}
    functions = FUNCTIONS.get(path.stem, ["run"])
    ran = run_program(path, wanted, functions=functions, mode="sample", rate="4KiB", seed=1)
    rate = ran.heap["rate_bytes"]  # higher where there were too many samples
    near = []
    for i, claim in enumerate(claims):
        most = abs(ran.values[str(i)]) + claim.tolerance
        room = claim.tolerance + 4.5 * math.sqrt(rate * most) + 2 * rate
        near.append(claim._replace(tolerance=room))
    check(ran, near)


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

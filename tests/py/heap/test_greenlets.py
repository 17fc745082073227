"""Greenlets: lines that give way in the middle keep what is theirs, and get nothing of what others do meanwhile."""

import pytest
from test_known_answers import laws

pytest.importorskip("greenlet")

BIG = 10**6
HEAD = "from greenlet import greenlet, getcurrent\nimport greenlet as package\n"


def at(text, mark):
    """The number of the line that ends in the mark."""
    return 1 + next(i for i, line in enumerate(text.splitlines()) if line.endswith("# " + mark))


def write(tmp_path, text):
    path = tmp_path / "switches.py"
    path.write_text(text)
    return path


def near(value, expected, tolerance=4000):
    assert abs(value - expected) <= tolerance, (value, expected)


WITHIN = (
    HEAD
    + f"""
def one():
    kept.append((bytearray({BIG}), two.switch(), bytearray({BIG})))  # one
def other():
    kept.append((bytearray({BIG}), getcurrent().parent.switch(), bytearray({BIG})))  # other
def run():
    global two, kept
    kept = []
    TRACE
    two = greenlet(other, getcurrent())
    one()  # called
    two.switch()  # ended
"""
)


@pytest.mark.parametrize("trace", ["pass", "package.settrace(lambda *x: seen.append(x[0]))"])
def test_another_tracer_is_told_too(tmp_path, run_program, trace):
    text = WITHIN.replace("TRACE", trace).replace("def one", "seen = []\ndef one")
    ran = run_program(write(tmp_path, text), {"seen": "seen"}, functions=["run", "one", "other"])
    for mark in ("one", "other"):
        line = ran.line(at(text, mark))
        near(line["held_bytes"], 2 * BIG)
        near(line["peak_bytes"], 2 * BIG)
        assert line["hits"] == 1
    near(ran.line(at(text, "called"))["net_bytes"], 2 * BIG)
    near(ran.line(at(text, "ended"))["net_bytes"], 0)
    laws(ran)
    assert ran.values["seen"] == (["switch"] * 4 if trace != "pass" else [])


LATE = f"""
def other():
    kept.append((bytearray({BIG}), parent.switch(), bytearray({BIG})))  # other
def run():
    global kept, parent
    kept = []
    from greenlet import greenlet, getcurrent
    parent = getcurrent()
    two = greenlet(other)
    kept.append((bytearray({BIG}), two.switch(), bytearray({BIG})))  # first
    kept.append((bytearray({BIG}), two.switch(), bytearray({BIG})))  # then
    kept.append(bytearray({BIG}))  # last
"""


def test_loaded_by_the_line_that_switches_first(tmp_path, run_program):
    """What is not known any more is outside of lines, never another line's."""
    ran = run_program(write(tmp_path, LATE), functions=["run", "other"])
    held = {mark: ran.line(at(LATE, mark))["held_bytes"] for mark in ("other", "first", "then")}
    near(held["other"], 2 * BIG)
    near(held["first"], BIG)
    near(ran.heap["outside"]["held_bytes"], BIG, 300_000)
    near(held["then"], 2 * BIG)
    near(ran.line(at(LATE, "last"))["held_bytes"], BIG)
    assert [ran.line(at(LATE, m))["hits"] for m in ("other", "first", "then", "last")] == [1] * 4
    laws(ran)


REPLACED = (
    HEAD
    + f"""
def other():
    parent.switch()
    kept.append(bytearray({BIG}))  # unseen
    parent.switch()
    kept.append((bytearray({BIG}), parent.switch(), bytearray({BIG})))  # other
def run():
    global kept, parent
    kept = []
    parent = getcurrent()
    two = greenlet(other)
    two.switch()
    package.settrace(lambda *x: None)
    two.switch()
    two.switch()
    kept.append(bytearray({BIG}))  # mine
    two.switch()
"""
)


def test_a_tracer_that_takes_our_place(tmp_path, run_program):
    ran = run_program(write(tmp_path, REPLACED), functions=["run", "other"])
    near(ran.line(at(REPLACED, "unseen"))["held_bytes"], BIG)
    near(ran.line(at(REPLACED, "other"))["held_bytes"], 2 * BIG)
    near(ran.line(at(REPLACED, "mine"))["held_bytes"], BIG)
    assert ran.line(at(REPLACED, "unseen"))["hits"] == 1
    laws(ran)


MARKED = """
import io
import memline, memory_profiler
from greenlet import greenlet, getcurrent

PROFILE
def work(other):
    a = [0]
    other.switch()
    return a

main = getcurrent()
g = greenlet(work)
g.switch(main)  # it is traced, we are not
work(g)  # ends g on the way
print(g.dead)
TELL
"""
OURS = """
rows = memline.snapshot().rows
print([(row.function, row.hits) for row in rows])
"""
DROPIN = """
import re
print(re.findall(r"^ +\\d+ .* (\\d+)  +(?:a =|other|return)", stream.getvalue(), re.M))
"""


def test_a_decorated_function_in_two_greenlets(run, python, tmp_path):
    path = write(tmp_path, MARKED.replace("PROFILE", "@memline.profile").replace("TELL", OURS))
    assert run([python, path]).stdout.splitlines() == ["True", str([("work", 2)] * 3)]


def test_a_call_s_report_in_two_greenlets(run, python, tmp_path):
    profile = "stream = io.StringIO()\n@memory_profiler.profile(stream=stream)"
    path = write(tmp_path, MARKED.replace("PROFILE", profile).replace("TELL", DROPIN))
    assert run([python, path]).stdout.splitlines() == ["True", str(["1"] * 6)]


GEVENT = f"""
import gevent, gevent.threadpool, memline

def inner():
    return (bytearray({BIG}), gevent.sleep(0), bytearray({BIG}))  # inner

def work(n):
    with memline.scope("request", id=n):
        kept[n] = (bytearray(n * {BIG}), inner(), bytearray({BIG}))  # work
        own[n] = bytearray({BIG})  # own

def threaded(n):
    jobs = [gevent.spawn(work, 10 * n + i) for i in range(3)]
    gevent.joinall(jobs)

def run():
    global kept, own
    kept, own = {{}}, {{}}
    jobs = [gevent.spawn(work, i) for i in range(10)]
    gevent.joinall(jobs)  # wait
    pool = gevent.threadpool.ThreadPool(2)
    for n in (1, 2):
        pool.spawn(threaded, n).get()
    for job in jobs:
        job.get()
"""


def test_gevent(tmp_path, run_program):
    pytest.importorskip("gevent")
    ran = run_program(write(tmp_path, GEVENT), functions=["run", "inner", "work"])
    numbers = [*range(10), 10, 11, 12, 20, 21, 22]
    lines = {mark: ran.line(at(GEVENT, mark)) for mark in ("inner", "work", "own", "wait")}
    count = len(numbers)
    assert [lines[m]["hits"] for m in ("inner", "work", "own", "wait")] == [count] * 3 + [1]
    near(lines["inner"]["held_bytes"], 2 * count * BIG, 100_000)
    near(lines["work"]["held_bytes"], (sum(numbers) + count) * BIG, 100_000)
    near(lines["own"]["held_bytes"], count * BIG, 100_000)
    near(lines["own"]["net_bytes"], count * BIG, 100_000)
    near(lines["inner"]["net_bytes"], 2 * count * BIG, 100_000)
    near(lines["inner"]["peak_bytes"], 2 * BIG, 20_000)
    near(lines["work"]["peak_bytes"], (22 + 3) * BIG, 20_000)
    near(lines["wait"]["held_bytes"], 0, 100_000)
    near(lines["wait"]["net_bytes"], 0, 200_000)
    laws(ran)
    by_key = {s["key"]: s for s in ran.scopes}
    for n in numbers:
        near(by_key[str(n)]["held_bytes"], (n + 4) * BIG, 30_000)
        near(by_key[str(n)]["net_bytes"], (n + 4) * BIG, 30_000)

"""memline.profile, profiling, enable, disable, snapshot: one book, one report at exit."""

import json
import sys

import pytest

HEAD = "import memline\n"


@pytest.fixture
def output(run, python, script, tmp_path):
    """output(text): stdout and stderr of a script that uses memline itself."""

    def go(text, status=0, **env):
        script(HEAD + text)
        return run(
            [python, "app.py"],
            status=status,
            env={"MEMLINE_BOOKS": str(tmp_path / "books"), "MEMLINE_CONFIG": "", **env},
        )

    return go


HITS = """
def hits(name):
    return {r.line: r.hits for r in memline.snapshot() if r.function.endswith(name)}
"""


def test_profile_with_and_without_arguments(output):
    done = output(
        """
@memline.profile
def f(n):
    return n

@memline.profile()
def g(n):
    return n

@memline.profile(name="other")
def h(n):
    return n

f(1); f(2); g(1); h(1)
print([(x.name, [r.hits for r in x.rows]) for x in memline.snapshot().functions])
"""
    )
    assert done.stdout == "[('f', [2]), ('g', [1]), ('other', [1])]\n"
    assert "return n" in done.stderr
    assert "saved in" in done.stderr


def test_profile_returns_the_same_object_or_its_kind(output):
    done = output(
        """
import inspect, asyncio, pickle, sys

def plain(a, b=2, *, c: int = 3) -> str:
    "Doc."
def generator(): yield
async def coroutine(): pass
async def async_generator(): yield

same = sys.version_info >= (3, 12)
for f in (plain, generator, coroutine, async_generator):
    p = memline.profile(f)
    assert (p is f) == same, f
    assert inspect.signature(p) == inspect.signature(f)
    for kind in (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction):
        assert kind(p) == kind(f), (kind, f)
    assert (p.__name__, p.__qualname__, p.__doc__, p.__module__) == (
        f.__name__, f.__qualname__, f.__doc__, f.__module__)
    globals()[f.__name__] = p
    assert pickle.loads(pickle.dumps(p)) is p
print("fine")
"""
    )
    assert done.stdout == "fine\n"


def test_classes_properties_and_caches(output):
    done = output(
        HITS
        + """
import functools

@memline.profile
class Box:
    def __init__(self): self.n = 0
    def method(self): return self.n
    @staticmethod
    def static(): return 1
    @classmethod
    def make(cls): return cls()
    @property
    def prop(self): return self.n
    @prop.setter
    def prop(self, n): self.n = n
    @functools.lru_cache(maxsize=8)
    def cached(self): return 9

b = Box.make()
assert isinstance(b, Box) and isinstance(Box, type)
b.prop = 4
assert (b.method(), Box.static(), b.static(), b.prop, b.cached(), b.cached()) == (4, 1, 1, 4, 9, 9)
assert Box.cached.cache_info().hits == 1
print(sorted((r.function, r.hits) for r in memline.snapshot()))
"""
    )
    assert done.stdout == (
        "[('Box.__init__', 1), ('Box.cached', 1), ('Box.make', 1), ('Box.method', 1), "
        "('Box.prop', 1), ('Box.prop', 1), ('Box.static', 2)]\n"
    )


def test_profiling_a_block(output):
    done = output(
        HITS
        + """
def f():
    return 1

f()
with memline.profiling() as run:
    f()
    x = f()
f()
print(hits("f"), len(run.snapshot) > 0, run.snapshot.line("app.py", 7)[0].hits)
with memline.profiling():
    f()
print(hits("f"))
"""
    )
    assert done.stdout == "{7: 2} True 2\n{7: 3}\n"


def test_enable_and_disable(output):
    done = output(
        HITS
        + """
def f():
    return 1

@memline.profile
def g():
    return 2

f(); g()
memline.enable()
f(); g()
memline.disable()
f(); g()
memline.enable()
f(); g()
print(hits("f"), hits("g"))
"""
    )
    assert done.stdout == "{7: 2} {11: 3}\n"


def test_rules_of_enable(output):
    done = output(
        HITS
        + """
import json
memline.enable(include=["*/json/__init__.py"], functions=["loads", "f"])

def f(): return json.loads("[1]")
def g(): return f()

g()
print(sorted({r.function for r in memline.snapshot()}))
"""
    )
    assert done.stdout == "['f', 'loads']\n"


def test_snapshot_as_data(output):
    done = output(
        """
import json

@memline.profile
def f():
    block = bytearray(64 << 20)
    return len(block)

f()
s = memline.snapshot()
print(json.dumps(s.to_dict()))
assert s.top(1)[0].source.strip() == "block = bytearray(64 << 20)"
assert list(s) == s.rows and len(s) == 2
assert s.rows[0]._fields[:6] == ("file", "function", "line", "hits", "rss_net_bytes", "rss_max_bytes")
assert "2 lines of 1 functions" in repr(s)
try:
    memline.profile(f, nope=1)
except TypeError as error:
    print(error)
"""
    )
    lines = done.stdout.splitlines()
    rows = json.loads(lines[0])["functions"][0]["rows"]
    assert [row["hits"] for row in rows] == [1, 1]
    assert rows[0]["rss_net_bytes"] > 60 << 20
    assert lines[1] == "profile() got an unexpected option 'nope'"


def test_switched_off_by_the_environment(output):
    text = """
def f(): return 1
assert memline.profile(f) is f
with memline.profiling() as run:
    f()
memline.enable()
print(len(memline.snapshot()), len(run.snapshot))
"""
    done = output(text, MEMLINE="off")
    assert (done.stdout, done.stderr) == ("0 0\n", "")


def test_switched_on_by_the_environment(run, python, script, tmp_path):
    script("def f():\n    return 1\n\nf()\nprint(2)\n")
    env = {"MEMLINE": "on", "MEMLINE_BOOKS": str(tmp_path / "books"), "MEMLINE_CONFIG": ""}
    done = run([python, "app.py"], env=env)
    assert done.stdout == "2\n"
    assert "return 1" in done.stderr


def test_one_report_for_all_threads_and_calls(output):
    done = output(
        """
import threading

@memline.profile
def f():
    return 1

ts = [threading.Thread(target=f) for _ in range(20)]
[t.start() for t in ts]; [t.join() for t in ts]
"""
    )
    assert done.stderr.count("saved in") == 1
    assert " 20 " in done.stderr


def test_old_books_are_cleared_away(output, tmp_path):
    books = tmp_path / "books"
    books.mkdir()
    for i in range(30):
        (books / f"old-{i:02}.book").write_bytes(b"")
    output("memline.profile(lambda: 1)()")
    assert len(list(books.iterdir())) == 20


def test_importing_is_quick_and_starts_nothing(run, python):
    code = (
        "import sys; before = set(sys.modules); import memline\n"
        "new = set(sys.modules) - before\n"
        "assert not {'typing', 'inspect', 're', 'json'} & new, new\n"
        "print(sorted(n for n in new if n.startswith('memline')), sys.gettrace())\n"
        "print(memline.__version__, dir(memline) == sorted(dir(memline)))\n"
        "try:\n    memline.nothing\nexcept AttributeError as e:\n    print(e)\n"
    )
    out = run(
        [python, "-S", "-c", code], env={"PYTHONPATH": ":".join(p for p in sys.path if p)}
    ).stdout
    first, second, third = out.splitlines()
    assert first == "['memline'] None"
    assert second.endswith("True")
    assert third == "module 'memline' has no attribute 'nothing'"


def test_two_books_in_turn(output):
    done = output(
        """
from memline import _core
import os

@memline.profile
def f(): return 1

f()
path = _core.book_path()
_core.book_close()
assert os.path.exists(path)
f()
_core.book_open(path + "2")
f()
print(_core.snapshot()["functions"])
_core.book_close(discard=True)
assert not os.path.exists(path + "2")
"""
    )
    assert done.stdout == "[]\n"


def test_decorated_by_us_and_by_memory_profiler(output):
    done = output(
        """
import io
from memline import dropin
dropin.install()
import memory_profiler

streams = [io.StringIO(), io.StringIO()]

@memline.profile
@memory_profiler.profile(stream=streams[0])
def inside(n):
    return [i for i in range(n)]

@memory_profiler.profile(stream=streams[1])
@memline.profile
def outside(n):
    return [i for i in range(n)]

inside(3)
outside(3)
print([s.getvalue().count("Filename") for s in streams])
print(sorted((r.function, r.hits > 0) for r in memline.snapshot()))
"""
    )
    assert done.stdout == "[1, 1]\n[('inside', True), ('outside', True)]\n"

"""What may be decorated (compat specification, 3): everything stays what it is, and is measured."""

import contextlib
import functools
import inspect

import pytest


def contents(out):
    return {line for line, row in out.rows().items() if row.occurrences}


def test_staticmethod_above_and_below(mp, out):
    profile = mp.profile(stream=out)

    class C:
        @profile
        @staticmethod
        def above(a):
            return a + 1

        @staticmethod
        @profile
        def below(a):
            return a + 2

    assert (C.above(1), C().above(1), C.below(1), C().below(1)) == (2, 2, 3, 3)
    assert out.count() == 4
    assert {"return a + 1", "return a + 2"} <= contents(out)


def test_classmethod_above_and_below(mp, out):
    profile = mp.profile(stream=out)

    class C:
        @profile
        @classmethod
        def above(cls, a):
            return cls, a + 1

        @classmethod
        @profile
        def below(cls, a):
            return cls, a + 2

    assert (C.above(1), C().above(1), C.below(1)) == ((C, 2), (C, 2), (C, 3))
    assert out.count() == 3


def test_property_above_and_below(mp, out):
    profile = mp.profile(stream=out)

    class C:
        def __init__(self):
            self.x = 0

        @property
        def above(self):
            """doc"""
            return self.x + 1

        @above.setter
        def above(self, value):
            self.x = value

        @above.deleter
        def above(self):
            del self.x

        above = profile(above)

        @property
        @profile
        def below(self):
            return self.x + 2

    c = C()
    c.above = 10
    assert (c.above, c.below) == (11, 12)
    del c.above
    assert isinstance(C.above, property)
    assert C.above.__doc__ == "doc"
    assert {"return self.x + 1", "return self.x + 2", "self.x = value", "del self.x"} <= contents(
        out
    )


def test_cached_property(mp, out):
    class C:
        @mp.profile(stream=out)
        @functools.cached_property
        def value(self):
            return [1]

        @functools.cached_property
        @mp.profile(stream=out)
        def other(self):
            return [2]

    c = C()
    assert c.value is c.value
    assert c.other is c.other
    assert out.count() == 2


def test_method(mp, out):
    class C:
        @mp.profile(stream=out)
        def method(self, a):
            return self, a

    c = C()
    assert c.method(1) == (c, 1)
    bound = mp.profile(c.method, out)
    assert bound(2) == (c, 2)
    assert out.count() == 2


def test_partial(mp, out):
    def add(a, b):
        return a + b

    function = mp.profile(functools.partial(add, 1), out)
    assert function(2) == 3
    assert isinstance(function, functools.partial)
    assert "return a + b" in contents(out)


def test_lru_cache_keeps_its_methods(mp, out):
    @mp.profile(stream=out)
    @functools.lru_cache(maxsize=7)
    def square(n):
        return n * n

    assert (square(3), square(3)) == (9, 9)
    assert square.cache_info().hits == 1
    assert square.cache_info().maxsize == 7
    assert out.count() == 1
    square.cache_clear()
    square(3)
    assert out.count() == 2


def test_callable_object(mp, out):
    class Adder:
        def __init__(self, n):
            self.n = n

        def __call__(self, a):
            return self.n + a

    adder = Adder(1)
    function = mp.profile(adder, out)
    assert function(2) == 3
    assert function.n == 1
    assert "return self.n + a" in contents(out)


def test_class(mp, out):
    class Base:
        def inherited(self):
            return "inherited"

    @mp.profile(stream=out)
    class C(Base):
        def __init__(self, n):
            self.n = n

        def method(self):
            return self.n + 1

        @staticmethod
        def static():
            return "static"

        @property
        def twice(self):
            return self.n * 2

    assert inspect.isclass(C)
    c = C(4)
    assert isinstance(c, C)
    assert (c.method(), C.static(), c.twice, c.inherited()) == (5, "static", 8, "inherited")
    seen = contents(out)
    assert {"self.n = n", "return self.n + 1", 'return "static"', "return self.n * 2"} <= seen
    assert 'return "inherited"' not in seen


def test_builtin_warns_and_is_returned(mp, out):
    with pytest.warns(UserWarning, match="Could not extract a code object for the object"):
        assert mp.profile(len, out) is len


def test_wrapped_function_is_followed_to_the_users_code(mp, out):
    def logs(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    @mp.profile(stream=out)
    @logs
    def work(a):
        return a * 3

    assert work(2) == 6
    seen = contents(out)
    assert "return a * 3" in seen
    assert "return function(*args)" not in seen


def test_contextmanager(mp, out):
    @mp.profile(stream=out)
    @contextlib.contextmanager
    def opened(x):
        y = x + 1
        yield y

    with opened(1) as value:
        assert value == 2
    assert "y = x + 1" in contents(out)
    assert "contextlib.py" not in out.getvalue()


def test_line_profiler_takes_the_same_things(mp):
    profiler = mp.LineProfiler()

    @profiler
    class C:
        def method(self):
            return 1

        @staticmethod
        def static():
            return 2

        @property
        def prop(self):
            return 3

    @profiler
    @functools.lru_cache(maxsize=None)
    def cached(n):
        return n

    part = profiler(functools.partial(lambda a, b: a + b, 1))
    c = C()
    assert (c.method(), C.static(), c.prop, cached(4), part(1)) == (1, 2, 3, 4, 2)
    assert cached.cache_info().misses == 1
    assert len(list(profiler.code_map.items())) == 5


def test_functions_of_one_def_are_told_apart(mp, out):
    def make(n):
        def function():
            return n

        return function

    one, two = make(1), make(2)
    profiled = mp.profile(one, out)
    assert (profiled(), two()) == (1, 2)
    assert out.count() == 1


def test_equal_functions_of_two_files(mp, out, tmp_path):
    for name in ("tw_a.py", "tw_b.py"):
        path = tmp_path / name
        path.write_text("def same():\n    return 1\n")
        namespace = {}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        mp.profile(namespace["same"], out)()
    reports = mp.read_report(out.getvalue())
    assert [report.filename for report in reports] == [
        str(tmp_path / "tw_a.py"),
        str(tmp_path / "tw_b.py"),
    ]
    assert [report.rows[1].occurrences for report in reports] == [1, 1]


def test_equal_functions_of_two_files_in_one_profiler(mp, tmp_path):
    profiler = mp.LineProfiler()
    functions = []
    for name in ("tw_a.py", "tw_b.py"):
        path = tmp_path / name
        path.write_text("def same():\n    return 1\n")
        namespace = {}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        functions.append(profiler(namespace["same"]))
    for times, function in enumerate(functions, 1):
        for _ in range(times):
            function()
    assert [(r.filename[-7:], r[2].occurrences) for r in profiler.reports()] == [
        ("tw_a.py", 1),
        ("tw_b.py", 2),
    ]


def test_thousands_of_functions(mp):
    profiler = mp.LineProfiler()
    source = "".join(f"def f{i}():\n    return {i}\n" for i in range(3_000))
    namespace = {}
    exec(compile(source, "<thousands>", "exec"), namespace)
    import linecache

    linecache.cache["<thousands>"] = (len(source), None, source.splitlines(True), "<thousands>")
    functions = [profiler(namespace[f"f{i}"]) for i in range(3_000)]
    assert [function() for function in functions] == list(range(3_000))
    assert len(list(profiler.code_map.items())) == 3_000

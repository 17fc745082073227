"""LineProfiler, and what others build on it (compat specification, 1.2 and 2)."""

import inspect
import pickle
import sys
import threading

import pytest
from dropin_blocks import MIB, block


def some_loop():
    for _ in range(12):
        a = 1
    return a


def leak(mib):
    held = block(mib)
    return held


@pytest.fixture
def profiler(mp):
    return mp.LineProfiler()


def figures(profiler, function):
    """{line relative to the first: figure}"""
    code = function.__code__
    return {n - code.co_firstlineno: f for n, f in profiler.code_map[code].items()}


def test_figures_are_plain_tuples_in_first_booked_order(profiler):
    assert profiler(some_loop)() == 1
    inner = next(iter(profiler.code_map.values()))
    assert type(inner) is dict
    first = some_loop.__code__.co_firstlineno
    assert list(inner) == [first, first + 1, first + 2, first + 3]
    for figure in inner.values():
        assert type(figure) is tuple
        assert [type(part) for part in figure] == [float, float, int]


def test_loop_counts(profiler):
    profiler(some_loop)()
    assert [f[2] for f in figures(profiler, some_loop).values()] == [1, 13, 12, 1]


def test_figures_add_up_over_calls(profiler):
    wrapped = profiler(leak)
    held = [wrapped(10) for _ in range(3)]
    rows = figures(profiler, leak)
    assert rows[0][2] == 3
    assert abs(rows[1][0] - 30) < 1
    assert rows[1][2] == 3
    assert rows[1][1] > 30
    assert len(held) == 3


def test_baseline_is_memory_at_the_first_entry(profiler):
    wrapped = profiler(leak)
    for mib in (10, 100, 10):
        wrapped(mib)
    rows = figures(profiler, leak)
    assert 0 < rows[0][0] <= rows[0][1]
    assert rows[1][0] >= 119


def test_deletion_is_negative(profiler):
    def stuff():
        held = block(150)
        del held

    profiler(stuff)()
    rows = figures(profiler, stuff)
    assert abs(rows[1][0] + rows[2][0]) < 1
    assert rows[2][0] < -100


def test_the_function_itself_is_not_measured(profiler):
    wrapped = profiler(some_loop)
    assert wrapped is not some_loop
    some_loop()
    assert not any(profiler.code_map.values())
    wrapped()
    assert any(profiler.code_map.values())


def test_two_profilers_do_not_meet(mp):
    a, b = mp.LineProfiler(), mp.LineProfiler()
    wa, wb = a(some_loop), b(some_loop)
    wa()
    wa()
    wb()
    assert (figures(a, some_loop)[0][2], figures(b, some_loop)[0][2]) == (2, 1)


def test_decorating_twice_measures_once(profiler):
    wrapped = profiler(profiler(some_loop))
    wrapped()
    assert len(profiler.code_map._toplevel) == 1
    assert figures(profiler, some_loop)[0][2] == 1


def test_decorating_the_same_function_again_works(profiler):
    first, second = profiler(some_loop), profiler(some_loop)
    first()
    second()
    assert figures(profiler, some_loop)[0][2] == 2


def test_decorator_forms(profiler):
    @profiler
    def one():
        pass

    @profiler()
    def two():
        pass

    @profiler(precision=4)
    def three():
        pass

    @profiler(stream=sys.stderr, backend="psutil", include_children=True)
    def four():
        pass

    for function in (one, two, three, four):
        function()
    assert len(list(profiler.code_map.items())) == 4


def test_attributes_survive(profiler):
    def documented(a: int, b="x", *args, c=3, **kw) -> str:
        """dummy doc"""
        return b

    documented.mark = 5
    wrapped = profiler(documented)
    assert wrapped.__name__ == "documented"
    assert wrapped.__qualname__ == documented.__qualname__
    assert wrapped.__doc__ == "dummy doc"
    assert wrapped.__module__ == __name__
    assert wrapped.mark == 5
    assert inspect.signature(wrapped) == inspect.signature(documented)
    assert wrapped.__annotations__ == documented.__annotations__
    assert wrapped(1) == "x"


def test_closures_and_defaults_are_kept(profiler):
    cell = [0]

    def count(step=2, *, times=1):
        cell[0] += step * times
        return cell[0]

    wrapped = profiler(count)
    assert (wrapped(), count(times=3), wrapped(1)) == (2, 8, 9)


def test_add_function_measures_while_on(profiler):
    profiler.add_function(some_loop)
    some_loop()
    assert not any(profiler.code_map.values())
    with profiler:
        some_loop()
    some_loop()
    assert figures(profiler, some_loop)[2][2] == 12


@pytest.mark.parametrize("first", ["add", "wrap"])
def test_added_function_is_measured_inside_a_wrapped_one(profiler, first):
    def helper(n):
        return n + 1

    def main(n):
        return helper(n) + helper(n)

    if first == "add":
        profiler.add_function(helper)
    wrapped = profiler(main)
    if first == "wrap":
        profiler.add_function(helper)
    assert wrapped(1) == 4
    assert figures(profiler, helper)[1][2] == 2
    assert figures(profiler, main)[1][2] == 1
    main(1)
    helper(1)
    assert figures(profiler, helper)[1][2] == 2
    assert figures(profiler, main)[1][2] == 1


def test_counts_nest_and_enable_does_not(profiler):
    profiler.add_function(some_loop)
    profiler.enable_by_count()
    profiler.enable_by_count()
    profiler.disable_by_count()
    assert profiler.enable_count == 1
    some_loop()
    profiler.disable_by_count()
    profiler.disable_by_count()
    assert profiler.enable_count == 0
    some_loop()
    profiler.enable()
    profiler.enable()
    some_loop()
    profiler.disable()
    some_loop()
    assert figures(profiler, some_loop)[0][2] == 2


def test_runctx_returns_the_profiler(profiler):
    profiler.add_function(some_loop)
    namespace = {"some_loop": some_loop}
    assert profiler.runctx("x = some_loop()", namespace, namespace) is profiler
    assert namespace["x"] == 1
    assert figures(profiler, some_loop)[0][2] == 1
    with pytest.raises(ZeroDivisionError):
        profiler.runctx("1 / 0", {}, {})
    assert profiler.enable_count == 0
    namespace = {}
    profiler.runctx("def f(x: 1 + 1): pass", namespace, namespace)
    assert namespace["f"].__annotations__ == {"x": 2}


def test_with_lets_exceptions_through(profiler):
    with pytest.raises(KeyError), profiler:
        raise KeyError(1)
    assert profiler.enable_count == 0


def test_nested_function_is_booked_on_its_own_lines(profiler):
    @profiler
    def outer():
        def inner():
            return [0] * 10

        return inner

    inner = outer()
    with profiler:
        inner()
    inner_line = next(iter(profiler.code_map._toplevel[0][2])) + 3
    assert profiler.code_map._toplevel[0][2][3] == inner_line
    assert next(iter(profiler.code_map.values()))[inner_line][2] == 1


def test_figures_seen_through_a_kept_map(profiler):
    code_map = profiler.code_map
    wrapped = profiler(some_loop)
    wrapped()
    assert len(list(code_map.items())) == 1
    wrapped()
    (inner,) = {id(v): v for v in code_map.values()}.values()
    assert next(iter(inner.values()))[2] == 2


def test_no_code_warns_and_goes_on(profiler):
    with pytest.warns(
        UserWarning, match="Could not extract a code object for the object <built-in"
    ):
        profiler.add_function(len)
    with pytest.warns(UserWarning, match="Could not extract"):
        assert profiler(len) is len


def test_wrap_function_result_takes_attributes(profiler):
    for function in (some_loop, len):
        wrapped = profiler.wrap_function(function)
        wrapped.__module__ = "m"
        wrapped.__name__ = "n"
        wrapped.__doc__ = "d"
        wrapped.__dict__.update(x=1)
        assert (wrapped.__module__, wrapped.__name__, wrapped.x) == ("m", "n", 1)
    assert profiler.wrap_function(len)([1, 2]) == 2
    assert some_loop.__module__ == __name__


def test_unknown_keywords_are_ignored(mp):
    profiler = mp.LineProfiler(backend="psutil", include_children=True, nonsense=1)
    assert profiler.backend == "psutil"
    assert profiler.max_mem is None
    assert profiler.prevlines == []
    assert profiler.prev_lineno is None
    assert profiler.code_map.include_children is True


@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"])
def test_backends(mp, backend):
    profiler = mp.LineProfiler(backend=backend)
    if backend == "tracemalloc":

        def work(mib):
            held = bytearray(mib * MIB)
            return held

    else:
        work = leak
    profiler(work)(10)
    assert abs(figures(profiler, work)[1][0] - 10) < 1


def test_posix_with_children_is_refused(mp):
    with pytest.raises(NotImplementedError):
        mp.LineProfiler(backend="posix", include_children=True)


def test_tracer_is_left_as_it_was(profiler):
    def tracer(frame, event, arg):
        return None

    before = sys.gettrace()
    wrapped = profiler(some_loop)
    sys.settrace(tracer)
    try:
        wrapped()
        with profiler:
            pass
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_threads(profiler):
    wrapped = profiler(some_loop)
    threads = [threading.Thread(target=wrapped) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [f[2] for f in figures(profiler, some_loop).values()] == [4, 52, 48, 4]


def test_trace_function_in_python(profiler):
    profiler.add_function(some_loop)
    before = sys.gettrace()
    sys.settrace(profiler.trace_memory_usage)
    try:
        some_loop()
    finally:
        sys.settrace(before)
    assert [f[2] for f in figures(profiler, some_loop).values()] == [1, 13, 12, 1]


def test_reports_as_data(profiler):
    wrapped = profiler(leak)
    held = wrapped(40)
    (report,) = profiler.reports()
    data = report.to_dict()
    assert (data["file"], data["function"]) == (__file__, "leak")
    line = data["lines"][1]
    assert line["contents"] == "    held = block(mib)"
    assert abs(line["increment_mib"] - 40) < 1
    assert line["occurrences"] == 1
    assert report[line["line"]].memory == line["memory_mib"]
    assert len(held) == 40 * MIB


def test_peak_of_a_line(mp):
    profiler = mp.LineProfiler(backend="tracemalloc")

    def callee():
        bytearray(300 * 2**20)

    @profiler
    def caller():
        callee()

    caller()
    (report,) = profiler.reports()
    (row,) = [row for row in report.rows if row.contents.strip() == "callee()"]
    assert abs(row.increment) < 1
    if sys.version_info >= (3, 9):
        assert 299 <= row.peak <= 301


def test_tracemalloc_is_stopped_after_its_last_user(mp):
    import gc
    import tracemalloc

    gc.collect()
    before = tracemalloc.is_tracing()
    profiler = mp.LineProfiler(backend="tracemalloc")
    assert tracemalloc.is_tracing()
    profiler(some_loop)()
    del profiler
    gc.collect()
    assert tracemalloc.is_tracing() == before


# -- PySpark's way -----------------------------------------------------------------------------------


def udf_classes(mp, bare):
    """Subclasses shaped like those of PySpark's UDF profiler; bare: the variant of its version 4."""

    class CodeMapForUDF(mp.CodeMap):
        def add(self, code, toplevel_code=None, *, sub_lines=None, start_line=None):
            if code in self:
                return
            if toplevel_code is None:
                toplevel_code = code
                if bare:
                    self._toplevel.append((code.co_filename, code))
                else:
                    if sub_lines is None:
                        sub_lines, start_line = inspect.getsourcelines(code)
                    lines = range(start_line, start_line + len(sub_lines))
                    self._toplevel.append((code.co_filename, code, lines))
                self[code] = {}
            else:
                self[code] = self[toplevel_code]
            for inner in filter(inspect.iscode, code.co_consts):
                self.add(inner, toplevel_code=toplevel_code)

        def items(self):
            if not bare:
                yield from super().items()
                return
            for filename, code in self._toplevel:
                measures = self[code]
                if measures:
                    yield filename, ((line, measures.get(line)) for line in measures)

    class UDFLineProfiler(mp.LineProfiler):
        def __init__(self, **kw):
            super().__init__(**kw)
            self.code_map = CodeMapForUDF(
                include_children=kw.get("include_children", False),
                backend=kw.get("backend", "psutil"),
            )

        def __call__(self, func=None, precision=1, *, sub_lines=None, start_line=None):
            self.add_function(func, sub_lines=sub_lines, start_line=start_line)
            f = self.wrap_function(func)
            f.__module__ = func.__module__
            f.__name__ = func.__name__
            f.__doc__ = func.__doc__
            f.__dict__.update(getattr(func, "__dict__", {}))
            return f

        def add_function(self, func, *, sub_lines=None, start_line=None):
            self.code_map.add(func.__code__, sub_lines=sub_lines, start_line=start_line)

        def add_code(self, code):
            self.code_map.add(code)

    return UDFLineProfiler()


@pytest.mark.parametrize("bare", [False, True])
def test_pyspark_like_subclasses_collect_and_pickle(mp, bare):
    namespace = {"block": block, "held": []}
    source = "def udf(x):\n    held.append(block(x))\n    return len([v for v in held])\n"
    exec(compile(source, "<command-123>", "exec"), namespace)
    profiler = udf_classes(mp, bare)
    wrapped = profiler(
        namespace["udf"], **({} if bare else {"sub_lines": source.splitlines(), "start_line": 1})
    )
    assert [wrapped(5), wrapped(5)] == [1, 2]
    results = {name: list(lines) for name, lines in profiler.code_map.items()}
    results = pickle.loads(pickle.dumps(results))
    rows = dict(results["<command-123>"])
    assert sorted(rows) == [1, 2, 3]
    assert rows[1][2] == rows[2][2] == 2
    assert abs(rows[2][0] - 10) < 1


def test_pyspark_like_add_code(mp):
    profiler = udf_classes(mp, True)
    profiler.add_code(some_loop.__code__)
    profiler.enable_by_count()
    some_loop()
    profiler.disable_by_count()
    ((filename, lines),) = profiler.code_map.items()
    assert filename == __file__
    assert [figure[2] for _, figure in lines] == [1, 13, 12, 1]


def test_memory_of_a_comprehension_is_counted_once(mp):
    # Before 3.12 it is a function inside the function, on the same line.
    def comprehends():
        kept = [[i] * (i << 9) for i in range(99)]
        return kept

    profiler = mp.LineProfiler()
    kept = profiler(comprehends)()
    inner = list(profiler.code_map.values())[0]
    first = comprehends.__code__.co_firstlineno
    (increment, memory, _) = inner[first + 1]
    assert increment < sum(len(row) for row in kept) * 8 / 2**20 * 1.2 < memory

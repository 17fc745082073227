"""Code that is not profiled, between and below code that is: it costs little, and no hit is lost or made up."""

import gc
import sys
import threading
from typing import Any, List

import pytest
from memline import _core, _wrap

SETTRACE = _core.engine == "settrace"


def through(f, *args):
    """Not profiled; calls on."""
    return f(*args)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def test_it_runs_at_its_own_pace(isolated):
    calls, exceptions = map(float, isolated("pace.py").stdout.split())
    # With the tracer it is 4 to 9 times; 3.11 keeps paying for calls that are not inlined.
    assert calls < 2.6
    assert exceptions < 2.2


def test_profiled_code_below_it(measured):
    def subject(n):
        if n == 0:
            return 0
        return through(through, subject, n - 1) + 1

    f = measured(subject)
    assert f.call(5) == 5
    assert f.hits() == {1: 6, 2: 1, 3: 5}


def test_a_callback_of_c_code_that_it_calls(measured):
    def subject(values):
        def key(x):
            return -x

        return through(sorted_by, values, key)

    def sorted_by(values, key):
        return sorted(values, key=key)

    f = measured(subject)
    assert f.call([1, 3, 2]) == [3, 2, 1]
    assert f.hits() == {1: 1, 2: 3, 4: 1}


def test_generators_that_it_resumes(measured):
    def subject(n):
        try:
            for i in range(n):
                got = yield i
                if got:
                    n = got
        except ValueError:
            yield "caught"
        finally:
            n = None

    f = measured(subject)

    def driver():
        g = f.call(3)
        assert next(g) == 0
        assert g.send(7) == 1
        assert g.throw(ValueError()) == "caught"
        g.close()
        assert list(f.call(2)) == [0, 1]
        return through(list, f.call(1))

    r = _core.Recorder()
    outer = _wrap.instrument(lambda: driver(), r)
    assert outer() == [0]
    got = f.hits()
    assert {n: got[n] for n in (1, 3, 4, 5, 7, 9)} == {1: 3, 3: 5, 4: 4, 5: 1, 7: 1, 9: 3}


def test_exceptions_that_pass_through_it(measured):
    def subject(n):
        if n == 0:
            raise OSError("deep")
        try:
            through(through, subject, n - 1)
        except OSError as error:
            if n < 3:
                raise
            said = str(error)
        return said

    f = measured(subject)
    assert f.call(3) == "deep"
    got = f.hits()
    del got[7]  # 3.8 and 3.9 come back to it at the end of the handler
    assert got == {1: 4, 2: 1, 3: 3, 4: 3, 5: 3, 6: 3, 8: 1, 9: 1}


def test_a_finaliser_that_it_runs(measured):
    def body(self):
        ended.append(1)

    ended: List[int] = []
    f = measured(body)
    kind = type("Kind", (), {"__del__": f.call})

    def subject():
        through(kind)
        through(gc.collect)
        return len(ended)

    g = measured(subject)
    assert g.call() == 1
    assert f.hits() == {1: 1}
    assert g.hits() == {1: 1, 2: 1, 3: 1}


def test_code_that_comes_to_be_profiled_while_it_runs(measured):
    later = _core.Recorder()

    def starts():
        later.add(runs.__code__)
        through(later.start)

    def runs():
        a = 1
        through(starts)
        b = a
        c = through(fib, b)
        return c

    def subject():
        return runs()

    f = measured(subject)
    f.call()
    later.stop()
    first = runs.__code__.co_firstlineno
    assert {r[0] - first: r[1] for r in later.rows(runs.__code__)} == {3: 1, 4: 1, 5: 1}


def test_code_that_comes_to_be_profiled_in_another_thread(measured):
    later = _core.Recorder()
    running, go = threading.Event(), threading.Event()

    def runs():
        running.set()
        while not go.is_set():
            pass
        done = 1
        return done

    def subject():
        return runs()

    f = measured(subject)
    thread = threading.Thread(target=f.call)
    thread.start()
    running.wait()
    later.add(runs.__code__, always=True)
    go.set()
    thread.join()
    first = runs.__code__.co_firstlineno
    hits = {r[0] - first: r[1] for r in later.rows(runs.__code__)}
    assert hits[4] == 1 and hits[5] == 1


def test_measuring_that_ends_and_begins_below_it(measured):
    def switches():
        r.stop()
        fib(3)
        r.start()

    def subject():
        a = 1
        through(switches)
        b = a
        return through(fib, b)

    r = _core.Recorder()
    r.add(subject.__code__)
    r.start()
    subject()
    r.stop()
    first = subject.__code__.co_firstlineno
    assert {row[0] - first: row[1] for row in r.rows(subject.__code__)} == {
        **{1: 1, 2: 1},
        **{3: 1, 4: 1},
    }


# --- tracers ----------------------------------------------------------------------------------------


def seen_by_a_tracer(call):
    """What sys.settrace() called in unprofiled code sees, and whether it stays."""
    seen: List[Any] = []

    def tracer(frame, event, arg):
        if frame.f_code.co_name in ("fib", "through", "wraps"):  # no collector's finalisers
            seen.append((frame.f_code.co_name, event, frame.f_lineno - frame.f_code.co_firstlineno))
        return tracer

    def sets():
        sys.settrace(tracer)
        return fib(2)

    def wraps():
        value = through(sets)
        assert sys.gettrace() is tracer
        sys.settrace(None)
        assert sys.gettrace() is None
        return value

    call(wraps)
    return seen


def test_a_tracer_set_in_it_sees_what_it_would_see(measured):
    expected = seen_by_a_tracer(lambda f: f())
    assert ("fib", "call", 0) in expected and ("fib", "line", 1) in expected

    def subject(f):
        value = f()
        after = sys.gettrace()
        return value, after

    f = measured(subject)
    assert seen_by_a_tracer(f.call) == expected
    assert f.hits()[1] == 1


def test_the_program_sees_no_tracer_in_it(measured):
    asked = []

    def asks():
        asked.append(sys.gettrace())
        asked.append(sys._getframe().f_trace)

    def subject():
        through(asks)
        asked.append(sys.gettrace())

    measured(subject).call()
    assert asked == [None, None, None]


def test_a_tracer_that_stays_set(measured):
    """As a debugger does: it is set below, and traces the callers on their way back."""
    seen = []

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "subject":
            seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
        return tracer

    def sets():
        frame = sys._getframe()
        while frame is not None:
            frame.f_trace = tracer
            frame = frame.f_back
        sys.settrace(tracer)

    def clears():
        frame = sys._getframe()
        while frame is not None:
            frame.f_trace = None
            frame = frame.f_back

    def subject():
        through(sets)
        value = 1
        return value

    def run(call):
        del seen[:]
        try:
            call()
            return sys.gettrace() is tracer, list(seen)
        finally:
            sys.settrace(None)
            clears()

    expected = run(lambda: subject())
    assert expected == (True, [("line", 2), ("line", 3), ("return", 3)])
    assert run(measured(subject).call) == expected


def test_a_profile_function_sees_the_same(measured):
    def events(call):
        seen = []

        def hook(frame, event, arg):
            if frame.f_code.co_name in ("fib", "subject", "inner"):
                seen.append((frame.f_code.co_name, event))

        def inner():
            sys.setprofile(hook)
            fib(2)

        def subject():
            through(inner)
            value = fib(2)
            len("abc")
            return value

        try:
            call(subject)
        finally:
            sys.setprofile(None)
        return seen

    expected = events(lambda f: f())
    assert ("fib", "call") in expected and ("subject", "c_call") in expected
    assert events(lambda f: measured(f).call()) == expected
    figures = []

    def under(f):
        m = measured(f)
        m.call()
        figures.append(m.hits())

    events(under)
    assert figures == [{1: 1, 2: 1, 3: 1, 4: 1}]


def test_cprofile_around_and_inside(measured):
    import cProfile
    import pstats

    def subject():
        inner = cProfile.Profile()
        through(inner.enable)
        fib(5)
        through(inner.disable)
        return inner

    f = measured(subject)
    outer = cProfile.Profile()
    inner = f.call()
    outer.enable()
    through(f.call) if sys.version_info < (3, 12) else f.call.__code__
    outer.disable()
    calls = {key[2]: value[1] for key, value in pstats.Stats(inner).stats.items()}
    assert calls["fib"] == 15
    assert f.hits()[3] >= 1


# --- the interpreter's evaluation of frames -----------------------------------------------------------


@pytest.mark.skipif(not SETTRACE, reason="sys.monitoring needs no filter")
def test_nothing_is_left_in_the_interpreter(isolated):
    assert "as before: [True, True, True]" in isolated("evaluation.py").stdout


def test_recursion_goes_as_deep_as_ever(isolated):
    out = isolated("deep.py").stdout
    assert "deep 50000 hits [2, 2]" in out
    assert "thread 3000 hits [1, 1]" in out


def test_a_getitem_of_unprofiled_code(isolated):
    assert "hits [2000, 2000]" in isolated("getitem.py").stdout


def test_greenlets(isolated):
    pytest.importorskip("greenlet")
    out = isolated("greenlets.py").stdout
    assert "first 3 3 3 3" in out
    assert "before 3 3 3 3" in out


def test_a_sub_interpreter_goes_its_own_way(measured):
    interpreters = pytest.importorskip("_xxsubinterpreters")

    def subject():
        one = interpreters.create()
        through(interpreters.run_string, one, "def f(n):\n    return n and f(n - 1)\nf(50)")
        interpreters.destroy(one)
        return through(fib, 3)

    f = measured(subject)
    assert f.call() == 2
    assert f.hits() == {1: 1, 2: 1, 3: 1, 4: 1}


def test_forks_of_it(isolated):
    assert isolated("forked.py").stdout == "child [1, 3, 3]\nparent [1, 3, 3]\n"

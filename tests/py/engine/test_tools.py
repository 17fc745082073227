"""Other tools beside us: tracers, coverage, debuggers, cProfile."""

import sys
from pathlib import Path

import pytest
from memline import _core, _wrap

MONITORING = _core.engine == "monitoring"


def traced_lines(function, *args):
    """Lines (relative) that a Python trace function sees, by event."""
    seen = []
    first = function.__code__.co_firstlineno

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "subject":
            seen.append((event, frame.f_lineno - first))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        function(*args)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    return seen


def subject(n):
    total = 0
    for i in range(n):
        total += i
    return total


def test_a_tracer_sees_the_same_with_and_without(measured):
    expected = traced_lines(subject, 3)
    original = subject.__code__
    f = measured(subject)
    subject_wrapped = f.call
    seen = []
    first = original.co_firstlineno

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "subject":
            seen.append((event, frame.f_lineno - first))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        subject_wrapped(3)
        during = sys.gettrace()
    finally:
        sys.settrace(before)
    subject.__code__ = original
    assert seen == expected
    assert during is tracer
    assert f.hits() == {1: 1, 2: 4, 3: 3, 4: 1}


def test_the_program_sees_its_own_tracer_inside(measured):
    inside = []

    def asks():
        inside.append(sys.gettrace())

    f = measured(asks)
    f.call()

    def tracer(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    f.call()
    after = sys.gettrace()
    sys.settrace(before)
    assert inside == [before, tracer]
    assert after is tracer


def test_a_tracer_that_fails_is_removed_as_without_us(measured):
    f = measured(subject)

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "subject" and event == "line":
            raise OSError("tracer")
        return tracer if frame.f_code.co_name == "subject" else None

    before = sys.gettrace()
    try:
        sys.settrace(tracer)
        f.call(3)
    except OSError as error:
        left = sys.gettrace()
        assert str(error) == "tracer"
    finally:
        sys.settrace(before)
    assert left is None
    assert f.call(2) == 1


def test_a_tracer_that_nobody_else_keeps(measured):
    seen = []

    class Tracer:
        def trace(self, frame, event, arg):
            seen.append(event)

    f = measured(subject)
    before = sys.gettrace()
    sys.settrace(Tracer().trace)
    try:
        for _ in range(100):
            assert f.call(3) == 3
    finally:
        sys.settrace(before)
    assert seen.count("call") >= 100


def test_cprofile_beside_us(measured):
    import cProfile
    import pstats

    f = measured(subject)
    profile = cProfile.Profile()
    profile.enable()
    f.call(3)
    profile.disable()
    names = {key[2] for key in pstats.Stats(profile).stats}
    assert "subject" in names
    assert f.hits() == {1: 1, 2: 4, 3: 3, 4: 1}


@pytest.mark.skipif(not MONITORING, reason="sys.monitoring came in 3.12")
@pytest.mark.parametrize("taken", [(4,), (4, 3), (0, 1, 2, 3, 4, 5)])
def test_tool_ids_that_are_taken(isolated, taken):
    done = isolated("tool_ids.py", *map(str, taken))
    if len(taken) == 6:
        assert "all tool ids of sys.monitoring are taken" in done.stdout
    else:
        assert "hits [1, 4, 3, 1]" in done.stdout


def test_starts_of_what_only_resembles_code(run, python):
    if not hasattr(pytest.importorskip("_testcapi"), "CodeLike"):
        pytest.skip("PyMonitoring_* came in 3.13")
    script = Path(__file__).parents[1] / "isolated" / "code_like.py"
    done = run([python, "-m", "memline", "run", "--no-report", "-o", "b.memline", script])
    assert done.stdout == "went on\n"


def test_coverage_finds_the_same_lines(isolated, tmp_path):
    pytest.importorskip("coverage")
    plain = isolated("covered.py", "plain").stdout
    profiled = isolated("covered.py", "profiled").stdout
    assert plain == profiled
    assert "missing: [" in plain


def test_a_breakpoint_inside_is_hit(isolated):
    out = isolated("breakpoint.py", stdin="p total\ncontinue\n").stdout
    assert "(Pdb) 3" in out
    assert "result 6" in out


def test_own_code_objects_change_nothing_else():
    def f(a, b=2, *c, d=4, **e):
        """Doc."""
        return a, b, c, d, e

    before = f.__code__
    after = _wrap.own_code(f)
    assert after is f.__code__ is not before
    assert f(1) == (1, 2, (), 4, {})
    assert (after.co_name, after.co_varnames, after.co_flags, after.co_firstlineno) == (
        before.co_name,
        before.co_varnames,
        before.co_flags,
        before.co_firstlineno,
    )
    assert f.__doc__ == "Doc."

"""Calls: what is one call, when it ends, and what the profiler must not change."""

import sys
import threading

import pytest
from engine_blocks import resident
from memline import _core, _wrap

MIB = 1 << 20


def test_each_outermost_call_is_told_once(per_call):
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    fib, calls = per_call(fib)
    assert fib(8) == 21
    [[(_, entry, rows)]] = calls
    assert entry[0] == 67
    assert [row[1] for row in rows] == [67]


def test_exceptions_pass_and_the_call_is_told(per_call):
    def fails():
        x = 1
        raise KeyError(x)

    f, calls = per_call(fails)
    with pytest.raises(KeyError) as error:
        f()
    frames = []
    trace = error.tb
    while trace is not None:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert frames[-1] == "fails"
    assert len(calls) == 1


def test_system_exit_passes(per_call):
    def leaves():
        sys.exit(3)

    f, calls = per_call(leaves)
    with pytest.raises(SystemExit) as leave:
        f()
    assert leave.value.code == 3
    assert len(calls) == 1


def test_a_callback_that_fails_does_not_change_the_result(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda u: seen.append(u.exc_value))

    def report(call):
        raise RuntimeError("report")

    f = _wrap.instrument(lambda: 7, _core.Recorder(per_call=True, on_call=report))
    assert f() == 7
    assert [str(e) for e in seen] == ["report"]


def test_keyboard_interrupt_in_a_callback_is_not_swallowed():
    def report(call):
        raise KeyboardInterrupt

    f = _wrap.instrument(lambda: 7, _core.Recorder(per_call=True, on_call=report))
    with pytest.raises(KeyboardInterrupt):
        f()


def test_four_threads_are_four_calls(per_call):
    def work(n):
        block = resident(n * MIB)
        return len(block)

    f, calls = per_call(work)
    threads = [threading.Thread(target=f, args=(i + 1,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(calls) == 4
    assert all([row[1] for row in rows] == [1, 1] for [(_, _, rows)] in calls)


def test_two_hundred_threads(measured):
    def work(n):
        total = 0
        for i in range(n):
            total += i
        return total

    f = measured(work)
    threads = [threading.Thread(target=f.call, args=(50,)) for _ in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert f.hits() == {1: 200, 2: 200 * 51, 3: 200 * 50, 4: 200}


def test_recursion_to_the_limit(measured):
    def down(n):
        return down(n + 1)

    f = measured(down)
    down = f.call
    with pytest.raises(RecursionError):
        f.call(0)
    assert f.hits()[1] > 100

    def shallow():
        return 1

    g = measured(shallow)
    assert g.call() == 1
    assert g.hits() == {1: 1}


def test_two_recorders_of_one_function_both_see_it(measured, per_call):
    def twice(n):
        a = n
        return a

    f = measured(twice)
    code = f.code
    recorder = _core.Recorder()
    recorder.add(code, always=True)
    f.call(1)
    f.call(2)
    assert f.hits() == {1: 2, 2: 2}
    assert [row[1] for row in recorder.rows(code)] == [2, 2]


def test_functions_of_one_def_are_kept_apart(per_call):
    def make():
        def inner(n):
            return n

        return inner

    f, f_calls = per_call(make())
    g, g_calls = per_call(make())
    f(1)
    f(2)
    g(3)
    assert (len(f_calls), len(g_calls)) == (2, 1)


def test_start_and_stop_nest(measured):
    recorder = _core.Recorder()

    def counted():
        return 1

    code = counted.__code__
    recorder.add(code)
    counted()
    assert recorder.rows(code) == []
    recorder.start()
    recorder.start()
    counted()
    recorder.stop()
    counted()
    recorder.stop()
    counted()
    recorder.stop()
    assert [row[1] for row in recorder.rows(code)] == [2]


def test_stop_inside_the_measured_function():
    recorder = _core.Recorder()

    def stops():
        a = 1
        recorder.stop()
        a = 2
        return a

    recorder.add(stops.__code__)
    recorder.start()
    stops()
    recorder.start()
    recorder.stop()
    assert [row[1] for row in recorder.rows(stops.__code__)][:2] == [1, 1]
    stops.__code__ = stops.__code__.replace(co_name="other")
    stops()


def test_nested_code_is_booked_on_the_outer_functions_lines(measured):
    def outer(n):
        add = lambda x: x + 1  # noqa: E731
        return sum(add(i) for i in range(n))

    f = measured(outer)
    f.call(3)
    assert f.hits()[1] == 1 + 3
    with pytest.raises(ValueError, match="top was not added"):
        _core.Recorder().add(outer.__code__, f.code)


def test_the_limit_calls_back_where_it_is_reached():
    seen = []

    def grows():
        a = resident(50 * MIB)
        b = 1
        return a, b

    limit = _core.memory() + 20 * MIB
    recorder = _core.Recorder(
        max_bytes=limit, on_max=lambda frame, size: seen.append((frame.f_code.co_name, size))
    )
    f = _wrap.instrument(grows, recorder)
    f()
    assert seen
    assert seen[0][0] == "grows"
    assert seen[0][1] >= limit


def test_arguments_are_checked():
    with pytest.raises(TypeError):
        _core.Recorder(on_call=3)
    with pytest.raises(TypeError):
        _core.Recorder().add("not code")
    with pytest.raises(TypeError):
        _core.Recorder("rss")

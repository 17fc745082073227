"""Known answers: programs whose resident memory per line is known beforehand."""

import sys

import pytest
from engine_blocks import resident

MIB = 1 << 20

pytestmark = pytest.mark.figures


def grow():
    a = resident(50 * MIB)
    b = resident(30 * MIB)
    del a
    return len(b)


def test_each_line_shows_what_it_took_and_gave_back(measured):
    f = measured(grow)
    f.call()
    net = f.net_mib()
    assert net[1] == pytest.approx(50, abs=0.6)
    assert net[2] == pytest.approx(30, abs=0.6)
    assert net[3] == pytest.approx(-50, abs=0.6)
    assert net[4] == pytest.approx(0, abs=0.6)


def churn(n):
    for _ in range(n):
        x = resident(MIB)
        del x


def test_a_loop_that_keeps_nothing_sums_up_to_nothing(measured):
    f = measured(churn)
    f.call(1_000)
    assert abs(sum(f.net_mib().values())) < 1
    assert f.hits() == {1: 1_001, 2: 1_000, 3: 1_000}


def leak_below_temporary(keep):
    temporary = resident(240 * MIB)
    temporary = None
    keep.append(resident(200 * MIB))
    return temporary


def test_a_leak_is_shown_where_it_happens(measured):
    f = measured(leak_below_temporary)
    keep = []
    f.call(keep)
    net = f.net_mib()
    assert net[3] >= 199
    assert abs(net[1] + net[2]) < 1


def outer(keep):
    keep.append(inner(keep))
    return len(keep)


def inner(keep):
    return resident(10 * MIB)


def test_a_called_functions_memory_is_the_calling_lines_too(measured, monkeypatch):
    callee = measured(inner)
    f = measured(outer)
    monkeypatch.setitem(globals(), "inner", callee.call)
    f.call([])
    assert f.net_mib()[1] == pytest.approx(10, abs=0.5)
    assert callee.net_mib()[1] == pytest.approx(10, abs=0.5)


def after_return(keep):
    keep += [inner(keep), resident(20 * MIB)]
    return None


def test_the_line_goes_on_after_a_callee_returned(measured, monkeypatch):
    # No line event comes when a callee returns: the line must be restored (K09).
    callee = measured(inner)
    monkeypatch.setitem(globals(), "inner", callee.call)
    f = measured(after_return)
    f.call([])
    assert f.net_mib()[1] == pytest.approx(30, abs=0.6)


def boom(keep):
    keep.append(resident(10 * MIB))
    raise KeyError("boom")


def safe(f, keep):
    try:
        return f(keep)
    except KeyError:
        return None


def after_raise(f, keep):
    keep += [safe(f, keep), resident(30 * MIB)]
    return None


def test_the_line_goes_on_after_a_callee_raised(measured):
    # K11: an unprofiled function catches what a profiled one raises.
    callee = measured(boom)
    f = measured(after_raise)
    f.call(callee.call, [])
    assert callee.net_mib()[1] == pytest.approx(10, abs=0.5)
    assert f.net_mib()[1] == pytest.approx(40, abs=0.8)


def test_untouched_memory_is_not_resident(measured):
    def reserve():
        import mmap

        m = mmap.mmap(-1, 512 * MIB)
        m[0 : 64 * MIB] = bytes(64 * MIB)
        return m

    f = measured(reserve)
    m = f.call()
    net = f.net_mib()
    assert net[3] < 1
    assert net[4] == pytest.approx(64, abs=1)
    m.close()


def early_return(keep, n):
    keep.append(resident(3 * MIB))
    if n > 2:
        keep.append(resident(4 * MIB))
        return n
    keep.append(resident(90 * MIB))
    return None


def caught(keep, n):
    try:
        keep.append(resident(3 * MIB))
        raise ValueError(n)
    except ValueError:
        keep.append(resident(4 * MIB))
    finally:
        n += 1
    return n


def loops(keep, n):
    for i in range(n):
        if i % 2:
            keep.append(resident(MIB))
            continue
        keep.append(resident(2 * MIB))
    while n:
        n -= 1


@pytest.mark.parametrize(
    ("function", "n", "mib"), [(early_return, 3, 7), (caught, 1, 7), (loops, 5, 8)]
)
def test_increments_sum_to_what_the_call_changed(per_call, function, n, mib):
    # One reading ends a line and starts the next, so nothing falls between: the sum is exactly the
    # memory at return minus the memory at entry, which an outer line reads too.
    original = function.__code__
    inner, calls = per_call(function)

    def caller(keep):
        inner(keep, n)

    outer, outer_calls = per_call(caller)
    keep = []
    outer(keep)
    function.__code__ = original
    [[(_, _, rows)]] = calls
    [[(_, _, [outer_row])]] = outer_calls
    assert sum(row[2] for row in rows) == pytest.approx(mib * MIB, abs=MIB // 2)
    assert sum(row[2] for row in rows) == pytest.approx(outer_row[2], abs=64 * 1024)


def test_hits_are_starts_of_the_line(measured):
    def counted(n):
        total = 0
        for i in range(n):
            total += i
        with open("/dev/null") as f:
            total += len(f.read())
        return total

    f = measured(counted)
    f.call(12)
    with_starts = 2 if sys.version_info >= (3, 10) else 1  # once more to leave the block
    assert f.hits() == {1: 1, 2: 13, 3: 12, 4: with_starts, 5: 1, 6: 1}


def test_one_line_functions_count_each_call(measured):
    fib = lambda n, f: n if n < 2 else f(n - 1, f) + f(n - 2, f)  # noqa: E731
    f = measured(fib)
    f.call(20, f.call)
    assert f.hits() == {0: 21_891}
    assert abs(f.net_mib()[0]) < 1


def test_recursion_counts_an_open_line_once(measured):
    def hold(n):
        block = resident(2 * MIB)
        if n:
            hold(n - 1)
        return len(block)

    f = measured(hold)
    hold = f.call
    f.call(9)
    net = f.net_mib()
    # The ten blocks are taken on line 1 and given back as the calls return: nowhere twice. What the
    # first execution of line 3 sees is what its nine nested ones did: taken and given back.
    assert net[1] == pytest.approx(20, abs=1)
    assert net[3] > -1 * MIB / MIB - 20
    assert f.hits()[3] == 9
    assert sum(net.values()) < 21


def test_rows_come_in_the_order_of_first_hits(measured):
    def backwards(n):
        while n:
            n -= 1
            if n == 1:
                continue
        return n

    f = measured(backwards)
    f.call(3)
    lines = [row[0] - f.first for row in f.recorder.rows(f.code)]
    assert sorted(lines) == [1, 2, 3, 4, 5]
    assert lines.index(4) == 3


def test_baseline_is_memory_at_the_first_entry(measured):
    f = measured(grow)
    assert f.recorder.entry(f.code) is None
    f.call()
    f.call()
    calls, first, highest = f.recorder.entry(f.code)
    assert calls == 2
    assert 0 < first <= highest


def test_clear_sets_all_to_zero(measured):
    f = measured(grow)
    f.call()
    f.recorder.clear()
    assert f.recorder.rows(f.code) == []
    assert f.recorder.entry(f.code) is None
    f.call()
    assert f.hits() == {1: 1, 2: 1, 3: 1, 4: 1}


@pytest.mark.skipif(sys.version_info < (3, 9), reason="tracemalloc.reset_peak came in 3.9")
def test_traced_memory_shows_transient_peaks(measured):
    import tracemalloc

    def transient():
        return len(bytearray(300 * MIB))

    def caller():
        a = transient()
        b = [float(i) for i in range(100_000)]
        return a, len(b)

    tracemalloc.start()
    try:
        f = measured(caller, meter="tracemalloc")
        f.call()
    finally:
        tracemalloc.stop()
    rows = f.rows()
    assert rows[1].peak >= 299 * MIB
    assert abs(rows[1].net) < 100_000
    assert rows[2].net > 2 * MIB


@pytest.mark.parametrize("meter", ["rss", "rss-plain", "pss", "uss"])
def test_meters_of_the_process_agree(measured, meter):
    # pss moves with every other process that shares our libraries.
    close = 8 if meter == "pss" else 1
    f = measured(grow, meter=meter)
    f.call()
    net = f.net_mib()
    assert net[1] == pytest.approx(50, abs=close)
    assert net[3] == pytest.approx(-50, abs=close)


def test_children_are_added_when_asked_for(measured):
    def with_child():
        import subprocess

        code = "b = bytearray(200 << 20); print(1, flush=True); input()"
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        child.stdout.readline()
        child.communicate(b"\n")

    f = measured(with_child, include_children=True)
    f.call()
    assert max(f.net_mib().values()) > 199


def test_unknown_meter_is_named(measured):
    with pytest.raises(ValueError, match="unknown meter 'heap'"):
        measured(grow, meter="heap")

"""The figures follow the rule (compat specification, 3 and 7). Sizes in MiB."""

import io
import json
import sys

import pytest
from dropin_blocks import MIB, block

pytestmark = pytest.mark.figures


def sum_of_lines(report):
    """Increments without the baseline, which is the first measured row."""
    measured = [row for row in report.rows if row.increment is not None]
    return sum(row.increment for row in measured[1:]), measured[0].increment


def run(mp, function, *args, **options):
    result = mp.profile(function, io.StringIO(), **options)(*args)
    (report,) = mp.last_report()
    return result, {row.contents.strip(): row for row in report.rows}, report


def test_loop_that_allocates_and_frees(mp):
    def churn():
        for _ in range(10_000):
            turn = bytearray(MIB)
            turn[0] = 1
            del turn

    _, rows, report = run(mp, churn)
    assert abs(sum_of_lines(report)[0]) < 1.5
    assert rows["turn[0] = 1"].occurrences == 10_000
    assert rows["for _ in range(10_000):"].occurrences == 10_001


def test_leak_beside_a_temporary(mp):
    def work(held):
        temporary = len(block(238))
        held.append(block(200))
        return temporary

    _, rows, _ = run(mp, work, [])
    assert abs(rows["temporary = len(block(238))"].increment) < 1
    assert rows["held.append(block(200))"].increment >= 199


def test_repeated_calls_keep_the_baseline(mp, out):
    @mp.profile(stream=out)
    def f(n):
        held = block(n)
        return len(held)

    for n in (40, 100, 40):
        f(n)
    for report in mp.read_report(out.getvalue()):
        assert report.rows[0].increment == report.rows[0].memory > 0
    assert abs(mp.read_report(out.getvalue())[1].rows[2].increment - 100) < 1


def test_line_that_calls_a_profiled_function(mp, out):
    keep = []

    @mp.profile(stream=out)
    def inner():
        keep.append(block(50))

    @mp.profile(stream=out)
    def outer():
        a = 1
        inner()
        return a

    outer()
    rows = out.rows()
    assert abs(rows["inner()"].increment - 50) <= 0.5
    assert abs(rows["keep.append(block(50))"].increment - 50) <= 0.5
    assert out.count() == 2


def straight(held):
    held.append(block(40))
    small = block(60)
    held.append(small)


def loops(held):
    for i in range(5):
        held.append(block(40 + i))
        if i == 3:
            held.clear()
    return held


def catches(held):
    try:
        held.append(block(40))
        raise ValueError
    except ValueError:
        held.append(block(50))
    finally:
        del held[0]


def returns_early(held):
    kept = block(70)
    if held is not None:
        return kept
    held.append(block(40))


@pytest.mark.parametrize("function", [straight, loops, catches, returns_early])
def test_increments_sum_to_exit_minus_entry(mp, function):
    from memline import _core

    held = []
    profiled = mp.profile(function, open("/dev/null", "w"))
    result = profiled(held)
    after = _core.memory() / MIB
    (report,) = mp.last_report()
    total, entry = sum_of_lines(report)
    # The report itself takes a little; what remains are the blocks.
    assert abs(entry + total - after) < 1, result is None
    size = sum(len(item) for item in held) / MIB
    size += len(result) / MIB if result is not None and result is not held else 0
    assert abs(total - size) < 1


def test_deleting_shows_as_negative(mp):
    def work():
        a = block(100)
        del a

    _, rows, _ = run(mp, work)
    assert abs(rows["del a"].increment + 100) < 1
    assert rows["del a"].memory < rows["a = block(100)"].memory


def test_tracemalloc_counts_blocks_of_every_file(mp):
    text = json.dumps([i + 0.5 for i in range(100_000)])

    def work():
        return json.loads(text)

    _, rows, _ = run(mp, work, backend="tracemalloc")
    assert rows["return json.loads(text)"].increment > 2


@pytest.mark.skipif(sys.version_info < (3, 9), reason="tracemalloc.reset_peak is from 3.9")
def test_peak_of_a_line_with_a_transient_callee(mp):
    def callee():
        return len(bytearray(300 * MIB))

    def work():
        callee()

    _, rows, _ = run(mp, work, backend="tracemalloc")
    assert rows["callee()"].peak >= 299
    assert abs(rows["callee()"].increment) < 1


def test_kinds_of_lines_are_counted_as_started(mp):
    class Manager:
        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

    def work():
        for _ in range(3):
            pass
        with Manager():
            x = 1
        return x

    _, rows, _ = run(mp, work)
    assert rows["for _ in range(3):"].occurrences == 4
    # Since 3.10 the interpreter comes back to the line for __exit__.
    assert rows["with Manager():"].occurrences == (2 if sys.version_info >= (3, 10) else 1)
    assert rows["return x"].occurrences == 1


def test_one_line_function_has_no_baseline(mp):
    f = lambda n: block(n)  # noqa: E731
    _, _, report = run(mp, f, 50)
    (row,) = [row for row in report.rows if row.occurrences]
    assert row.occurrences == 1
    assert abs(row.increment - 50) < 1


def test_include_children_adds_a_child(mp, python, scripts):
    done = python(scripts / "big_child.py", "decorator")
    assert done.returncode == 0, done.stderr
    rows = {r.contents.strip(): r for r in mp.read_report(done.stdout)[0].rows}
    assert rows["child = start()"].increment >= 190

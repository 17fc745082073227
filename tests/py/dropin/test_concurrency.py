"""Coroutines, generators, threads and recursion (compat specification, 3 and 7)."""

import asyncio
import gc
import inspect
import sys
import threading

import pytest
from dropin_blocks import MIB, block
from memline import _core


def make_coroutine(mp, out):
    @mp.profile(stream=out)
    async def fetch(n):
        held = block(n)
        await asyncio.sleep(0.001)
        return len(held)

    return fetch


async def as_task(fetch):
    return await asyncio.get_event_loop().create_task(fetch(5))


async def gathered(fetch):
    results = await asyncio.gather(fetch(5), fetch(5))
    return results[0]


async def awaited(fetch):
    return await fetch(5)


async def in_group(fetch):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(fetch(5))
    return task.result()


HOWS = [as_task, gathered, awaited]
if sys.version_info >= (3, 11):
    HOWS.append(in_group)


@pytest.mark.parametrize("how", HOWS)
def test_coroutine(mp, out, how):
    fetch = make_coroutine(mp, out)
    assert asyncio.run(how(fetch)) == 5 * MIB
    rows = out.rows()
    assert abs(rows["held = block(n)"].increment - 5) < 1
    assert rows["await asyncio.sleep(0.001)"].occurrences == 1
    assert rows["return len(held)"].occurrences == 1
    assert out.count() == (2 if how is gathered else 1)


def test_coroutine_runs_by_itself(mp, out):
    assert asyncio.run(make_coroutine(mp, out)(5)) == 5 * MIB
    assert out.count() == 1


def functions():
    def plain():
        return 1

    def generator():
        yield 1

    async def coroutine():
        return 1

    async def async_generator():
        yield 1

    return [plain, generator, coroutine, async_generator]


@pytest.mark.parametrize("number", range(4))
def test_kind_is_kept(mp, out, number):
    original, decorated = functions()[number], mp.profile(functions()[number], out)
    lined = mp.LineProfiler()(functions()[number])
    for predicate in (
        inspect.isfunction,
        inspect.isgeneratorfunction,
        inspect.iscoroutinefunction,
        inspect.isasyncgenfunction,
        asyncio.iscoroutinefunction,
    ):
        assert predicate(decorated) == predicate(lined) == predicate(original), predicate


def test_exception_and_cancellation_in_a_coroutine(mp, out):
    @mp.profile(stream=out)
    async def sleeps():
        try:
            await asyncio.sleep(60)
        finally:
            x = 1
            del x

    async def main():
        task = asyncio.get_event_loop().create_task(sleeps())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert out.rows()["x = 1"].occurrences == 1
    assert out.count() == 1


def test_what_other_tasks_take_while_suspended_is_not_charged(mp, out):
    before = sys.gettrace()

    @mp.profile(stream=out)
    async def waits(gate):
        x = 1
        await gate.wait()
        return x

    @mp.profile(stream=out)
    async def takes(gate, held):
        await asyncio.sleep(0.01)
        held.append(block(70))
        gate.set()
        await asyncio.sleep(0.01)
        held.append(block(1))

    async def main():
        gate = asyncio.Event()
        await asyncio.gather(waits(gate), takes(gate, []))

    asyncio.run(main())
    rows = out.rows()
    assert abs(rows["await gate.wait()"].increment) < 1
    assert abs(rows["held.append(block(70))"].increment - 70) < 1
    assert rows["return x"].occurrences == 1
    assert rows["held.append(block(1))"].occurrences == 1
    assert out.count() == 2
    assert sys.gettrace() is before


def unprofiled():
    return 1


def unprofiled_code_is_traced():
    """Does the interpreter stop for us at lines of code that nobody profiles?"""
    code = unprofiled.__code__
    if _core.engine == "monitoring":
        now = sys.monitoring
        (ours,) = [tool for tool in range(6) if now.get_tool(tool) == "memline"]
        rare = now.events.PY_UNWIND | now.events.PY_THROW  # process-wide, and not at lines
        return now.get_events(ours) & ~rare | now.get_local_events(ours, code) != 0
    recorder = _core.Recorder()
    recorder.add(code, always=True)  # that is, wherever our tracer is on
    unprofiled()
    return recorder.rows(code) != []


def test_unprofiled_code_is_not_traced_afterwards(mp, out):
    test_what_other_tasks_take_while_suspended_is_not_charged(mp, out)
    assert not unprofiled_code_is_traced()
    inside = mp.profile(unprofiled_code_is_traced, stream=out)()
    assert inside == (_core.engine == "settrace")


def test_generator(mp, out):
    @mp.profile(stream=out)
    def work(n):
        got = yield n
        try:
            got = yield got * 2
        except KeyError:
            got = yield "caught"
        return got

    steps = work(1)
    assert inspect.isgenerator(steps)
    assert next(steps) == 1
    assert steps.send(21) == 42
    assert steps.throw(KeyError("x")) == "caught"
    with pytest.raises(StopIteration) as stop:
        steps.send("end")
    assert stop.value.value == "end"
    rows = out.rows()
    assert rows["got = yield n"].occurrences == 1
    assert rows['got = yield "caught"'].occurrences == 1
    assert rows["return got"].occurrences == 1
    assert out.count() == 1


def test_generator_closed_and_abandoned(mp, out):
    ended = []

    @mp.profile(stream=out)
    def work():
        try:
            while True:
                yield 1
        finally:
            ended.append(1)

    steps = work()
    next(steps)
    steps.close()
    assert (ended, out.count()) == ([1], 1)
    steps = work()
    next(steps)
    del steps
    gc.collect()
    assert (ended, out.count()) == ([1, 1], 2)


def test_generator_without_finally_reports_when_abandoned(mp, out):
    @mp.profile(stream=out)
    def work():
        held = block(20)
        yield len(held)
        yield 2

    steps = work()
    assert next(steps) == 20 * MIB
    del steps
    gc.collect()
    assert abs(out.rows()["held = block(20)"].increment - 20) < 1
    assert out.count() == 1


def test_generator_charges_nothing_while_suspended(mp, out):
    @mp.profile(stream=out)
    def work():
        yield 1
        yield 2

    held = []
    for _ in work():
        held.append(block(30))
    rows = out.rows()
    assert abs(rows["yield 1"].increment) < 1
    assert abs(rows["yield 2"].increment) < 1


def test_generator_delegation(mp, out):
    @mp.profile(stream=out)
    def inner():
        x = yield 1
        return x

    @mp.profile(stream=out)
    def outer():
        x = yield from inner()
        return x + 1

    steps = outer()
    next(steps)
    with pytest.raises(StopIteration) as stop:
        steps.send(5)
    assert stop.value.value == 6
    assert out.count() == 2


def test_never_started_generator_gives_no_report(mp, out):
    @mp.profile(stream=out)
    def work():
        yield 1

    work().close()
    gc.collect()
    assert out.count() == 0


def test_async_generator(mp, out):
    caught = []

    @mp.profile(stream=out)
    async def work(n):
        for i in range(n):
            await asyncio.sleep(0)
            try:
                got = yield i
            except KeyError as error:
                caught.append(error)
                got = yield "caught"
            caught.append(got)

    async def main():
        steps = work(3)
        assert await steps.__anext__() == 0
        assert await steps.asend("a") == 1
        assert await steps.athrow(KeyError("x")) == "caught"
        assert [i async for i in steps] == [2]
        second = work(5)
        assert await second.__anext__() == 0
        await second.aclose()

    asyncio.run(main())
    assert caught[0] == "a"
    assert out.count() == 2
    assert out.rows()["for i in range(n):"].occurrences in (1, 2)
    first = mp.read_report(out.getvalue())[0]
    (row,) = [row for row in first.rows if row.contents.strip() == "got = yield i"]
    assert row.occurrences == 3


def test_threads_each_report(mp, out):
    barrier = threading.Barrier(4)

    @mp.profile(stream=out)
    def work(n):
        barrier.wait()
        total = 0
        for i in range(n):
            total += i
        return total

    threads = [threading.Thread(target=work, args=(10,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports = mp.read_report(out.getvalue())
    assert len(reports) == 4
    for report in reports:
        (row,) = [row for row in report.rows if row.contents.strip() == "total += i"]
        assert row.occurrences == 10


def test_many_threads(mp):
    profiler = mp.LineProfiler()

    @profiler
    def work(n):
        total = 0
        for i in range(n):
            total += i
        return total

    threads = [threading.Thread(target=work, args=(50,)) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (report,) = profiler.reports()
    counts = {row.contents.strip(): row.occurrences for row in report.rows}
    assert counts["total += i"] == 200 * 50
    assert counts["return total"] == 200


def test_recursion_is_one_report(mp, out):
    @mp.profile(stream=out)
    def fib(n):
        if n < 2:
            return n
        return fib(n - 1) + fib(n - 2)

    assert fib(8) == 21
    rows = out.rows()
    assert out.count() == 1
    assert rows["if n < 2:"].occurrences == 67
    assert rows["return fib(n - 1) + fib(n - 2)"].occurrences == 33


def test_recursion_that_holds_memory_is_not_negative(mp, out):
    @mp.profile(stream=out)
    def down(n):
        held = block(5)
        if n:
            down(n - 1)
        return len(held)

    down(4)
    rows = out.rows()
    assert rows["down(n - 1)"].increment >= -0.1
    assert rows["down(n - 1)"].occurrences == 4


def test_recursion_to_the_limit(mp, out):
    @mp.profile(stream=out)
    def down(n):
        return down(n + 1)

    with pytest.raises(RecursionError):
        down(0)
    assert out.count() == 1
    assert out.rows()["return down(n + 1)"].occurrences > 100


def test_nested_profiled_functions_report_inside_out(mp, out):
    @mp.profile(stream=out)
    def inner():
        return 1

    @mp.profile(stream=out)
    def outer():
        return inner() + inner()

    assert outer() == 2
    names = [report.rows[1].contents.strip() for report in mp.read_report(out.getvalue())]
    assert names == ["def inner():", "def inner():", "def outer():"]

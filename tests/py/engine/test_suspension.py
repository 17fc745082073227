"""Generators, coroutines and async generators: a suspended frame is not running."""

import asyncio
import gc
import inspect

import pytest
from engine_blocks import resident

MIB = 1 << 20


def lines(calls, first):
    """Each call's {line relative to def: (hits, net MiB)}."""
    return [{row[0] - first: (row[1], row[2] / MIB) for row in rows} for [(_, _, rows)] in calls]


def talk():
    block = resident(10 * MIB)
    got = yield len(block)
    more = resident(got * MIB)
    try:
        yield len(more)
    except ValueError:
        yield "caught"
    return "done"


@pytest.fixture
def talking(per_call):
    original = talk.__code__
    yield (*per_call(talk), talk.__code__.co_firstlineno)
    talk.__code__ = original


def test_send_throw_and_the_return_value_pass_through(talking):
    f, calls, first = talking
    assert inspect.isgeneratorfunction(f)
    g = f()
    assert next(g) == 10 * MIB
    assert g.send(20) == 20 * MIB
    assert g.throw(ValueError()) == "caught"
    with pytest.raises(StopIteration) as stop:
        next(g)
    assert stop.value.value == "done"
    [got] = lines(calls, first)
    assert {line: hits for line, (hits, _) in got.items()} == {n: 1 for n in range(1, 9)}
    assert got[1][1] == pytest.approx(10, abs=0.6)
    assert got[3][1] == pytest.approx(20, abs=0.6)


@pytest.mark.parametrize("end", ["close", "collect", "exhaust"])
def test_one_report_however_it_ends(talking, end):
    f, calls, first = talking
    g = f()
    next(g)
    assert calls == []
    if end == "close":
        g.close()
    elif end == "exhaust":
        g.send(1)
        assert next(g, None) is None
    else:
        del g
        gc.collect()
    [got] = lines(calls, first)
    assert got[1][0] == 1


def test_what_others_do_meanwhile_is_not_the_yield_lines(talking):
    f, calls, first = talking
    g = f()
    next(g)
    held = resident(100 * MIB)
    g.send(1)
    assert next(g, None) is None
    [got] = lines(calls, first)
    assert abs(got[2][1]) < 1
    assert len(held) == 100 * MIB


def test_a_generator_that_never_ran_reports_nothing(talking):
    f, calls, _ = talking
    f().close()
    assert calls == []


def test_two_at_once_are_two_calls(talking):
    f, calls, first = talking
    a, b = f(), f()
    next(a)
    next(b)
    a.send(5)
    b.send(7)
    a.close()
    b.close()
    one, two = lines(calls, first)
    assert one[3][1] == pytest.approx(5, abs=0.6)
    assert two[3][1] == pytest.approx(7, abs=0.6)


def delegate():
    result = yield from talk()
    return result


def test_yield_from(per_call):
    f, calls = per_call(delegate)
    g = f()
    assert next(g) == 10 * MIB
    assert g.send(1) == MIB
    with pytest.raises(StopIteration):
        next(g)
    [got] = lines(calls, delegate.__code__.co_firstlineno)
    assert sorted(got) == [1, 2]


async def wait(mib, pause):
    block = resident(mib * MIB)
    await asyncio.sleep(pause)
    del block
    return mib


@pytest.fixture
def waiting(per_call):
    original = wait.__code__
    yield (*per_call(wait), wait.__code__.co_firstlineno)
    wait.__code__ = original


def test_asyncio_run_returns_the_value(waiting):
    f, calls, first = waiting
    assert inspect.iscoroutinefunction(f)
    assert asyncio.iscoroutinefunction(f)
    assert asyncio.run(f(10, 0)) == 10
    [got] = lines(calls, first)
    assert sorted(got) == [1, 2, 3, 4]
    assert got[1][1] == pytest.approx(10, abs=0.6)


def test_overlapping_coroutines_do_not_mix(waiting):
    f, calls, first = waiting

    async def main():
        return await asyncio.gather(f(70, 0.02), f(1, 0.04), asyncio.ensure_future(f(2, 0)))

    assert asyncio.run(main()) == [70, 1, 2]
    assert len(calls) == 3
    for got in lines(calls, first):
        assert sorted(got) == [1, 2, 3, 4]
        assert all(hits == 1 for hits, _ in got.values())
        assert abs(got[2][1]) < 1
    assert sorted(round(got[1][1]) for got in lines(calls, first)) == [1, 2, 70]


def test_a_cancelled_coroutine_reports(waiting):
    f, calls, first = waiting

    async def main():
        task = asyncio.ensure_future(f(3, 10))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    [got] = lines(calls, first)
    assert sorted(got) == [1, 2]


async def count(n):
    for i in range(n):
        block = resident(i * MIB)
        got = yield len(block)
        if got:
            yield got


@pytest.fixture
def counting(per_call):
    original = count.__code__
    yield (*per_call(count), count.__code__.co_firstlineno)
    count.__code__ = original


def test_async_generators(counting):
    f, calls, first = counting
    assert inspect.isasyncgenfunction(f)

    async def main():
        values = [n async for n in f(3)]
        g = f(2)
        await g.__anext__()
        values.append(await g.asend("sent"))
        await g.aclose()
        h = f(2)
        await h.__anext__()
        with pytest.raises(KeyError):
            await h.athrow(KeyError("in"))
        return values

    assert asyncio.run(main()) == [0, MIB, 2 * MIB, "sent"]
    assert len(calls) == 3
    assert lines(calls, first)[0][3][0] == 3


def test_a_coroutine_resumed_in_another_thread(waiting):
    from threading import Thread

    f, calls, first = waiting

    class Pause:
        def __await__(self):
            yield

    original = asyncio.sleep
    asyncio.sleep = lambda _: Pause()
    try:
        c = f(4, 0)
        c.send(None)
        results = []

        def finish():
            try:
                c.send(None)
            except StopIteration as stop:
                results.append(stop.value)

        t = Thread(target=finish)
        t.start()
        t.join()
    finally:
        asyncio.sleep = original
    assert results == [4]
    [got] = lines(calls, first)
    assert sorted(got) == [1, 2, 3, 4]

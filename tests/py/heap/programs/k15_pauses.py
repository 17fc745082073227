import asyncio
import threading

BIG = 10**7


async def g():
    await asyncio.sleep(0)


def f(*blocks):
    return len(blocks)


async def two():
    return f(bytes(BIG), await g(), bytes(BIG))  #: peak 2 * big ~ 4000; hits 2; net 0 ~ 4000


async def freed():
    return f(len(bytes(BIG)), await g(), bytes(BIG))  #: peak big ~ 4000; hits 1


async def thrice():
    return f(bytes(BIG), await g(), bytes(BIG), await g(), bytes(BIG))  #: peak 3 * big ~ 4e3


async def other():
    global kept
    kept = bytearray(5 * BIG)  #: held sys.getsizeof(kept); hits 1
    await g()


async def outer():
    return f(bytes(BIG), await two())  #: peak 3 * big ~ 4000; net 0 ~ 4000


async def main():
    global results
    results = await asyncio.gather(two(), other(), freed(), thrice())


def gen():
    yield f(bytes(BIG), (yield), bytes(BIG))  #: peak 2 * big


def silent():
    yield f(bytes(BIG), (yield), (yield))  #: peak big; hits 50


def in_turns():
    return f(bytes(BIG), (yield), bytes(2 * BIG))  #: peak 3 * big; hits 1


def less():
    yield f(stack.clear(), (yield), bytes(2 * BIG))  #: peak big ~ 3e3; net 0 - big ~ 3e3


def finish(paused):
    try:
        next(paused)
    except StopIteration:
        pass


def run():
    global big, stack
    big = sys.getsizeof(bytes(BIG))
    asyncio.run(main())
    asyncio.run(outer())
    a = gen()
    next(a)
    next(a)
    for _ in range(50):  # each at the address of the one before, whose end may not be told
        b = silent()
        next(b)
        del b
    c = in_turns()
    next(c)
    t = threading.Thread(target=finish, args=(c,))
    t.start()
    t.join()
    stack = [bytes(BIG)]
    d = less()
    next(d)
    next(d)


import sys  # noqa: E402

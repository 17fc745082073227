"""Processor time of unprofiled code below a measured function, over what it takes alone: calls, exceptions."""

import time

from memline import _core, _wrap


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def throws(n):
    raise KeyError(n)


def catches(n):
    for i in range(n):
        try:
            throws(i)
        except KeyError:
            total = i + i + i
            total = total * total - i
            total = total * total - i
    return sum(x for x in range(n))


def ratio(f, n, rounds=15):
    """Least over least."""
    measured = _wrap.instrument(lambda: f(n), _core.Recorder())
    best = [1e9, 1e9]
    for _ in range(rounds):
        for i, call in enumerate((lambda: f(n), measured)):
            begin = time.thread_time()
            call()
            best[i] = min(best[i], time.thread_time() - begin)
    return best[1] / best[0]


print(ratio(fib, 18), ratio(catches, 2000))

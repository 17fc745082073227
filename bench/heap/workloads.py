"""The workloads of specs/profiling.md 5.1: `python workloads.py NAME [N]`, with the folder inside on PYTHONPATH.

Functions carry @profile, which a profiler may inject as a builtin; else it does nothing.
"""

import asyncio
import importlib
import json
import sys
import threading

from body import measured, profile


@profile
def w1_churn(n=1_000_000):
    for i in range(n):
        t = (i, [i], {"a": i, "b": str(i)})
    return t


@profile
def w2_retain(n=200_000):
    d = {}
    for i in range(n):
        d[i] = ("x" + str(i), [i, i])
    return d


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@profile
def w3_calls(n=31):
    return fib(n)


@profile
def fib_lines(n):
    if n < 2:
        return n
    return fib_lines(n - 1) + fib_lines(n - 2)


def w3b_calls_decorated(n=30):
    return fib_lines(n)


@profile
def w4_json(n=45):
    rows = [{"id": i, "name": f"item {i}", "tags": ["a", "b"], "x": i * 1.5} for i in range(2_000)]
    for _ in range(n):
        text = json.dumps(rows)
        rows = json.loads(text)
    return rows


@profile
def w5_numpy_large(n=40):
    import numpy

    x = numpy.ones(2_000_000)
    for _ in range(n):
        y = x * 2.0
        z = y + x
    return z


@profile
def w5b_numpy_small(n=200_000):
    import numpy

    x = numpy.ones(64)
    kept = []
    for i in range(n):
        y = x + i
        if i % 100 == 0:
            kept.append(y)
    return kept


@profile
async def leaf():
    payload = bytes(2_000)
    await asyncio.sleep(0)
    return len(payload)


@profile
async def tree(depth):
    if depth == 0:
        return await leaf()
    return sum(await asyncio.gather(*[tree(depth - 1) for _ in range(6)]))


def w6_async(n=1):
    for _ in range(n):
        asyncio.run(tree(5))


@profile
def thread_body(n):
    kept = []
    for i in range(n):
        b = bytes(2048)
        if i % 50 == 0:
            kept.append(b)
    return len(kept)


def w7_threads(n=200_000):
    threads = [threading.Thread(target=thread_body, args=(n,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


MODULES = """argparse ast asyncio calendar cProfile csv ctypes decimal difflib email.message fractions http.server
logging.config multiprocessing pickle sqlite3 tarfile unittest.mock xml.etree.ElementTree zipfile numpy""".split()


@profile
def w8_import():
    for name in MODULES:
        importlib.import_module(name)


@profile
def w9_lines(n=7_000_000):
    total = 0
    for i in range(n):
        a = i
        b = a
        total = b
    return total


if __name__ == "__main__":
    if sys.argv[1].startswith("w5"):
        importlib.import_module("numpy")  # no part of the body
    measured(globals()[sys.argv[1]], *map(int, sys.argv[2:]))

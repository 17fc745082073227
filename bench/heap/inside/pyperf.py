"""Stands in for pyperf, so that a benchmark of pyperformance runs as the script that it is, in one process.

Of what the script offers, the benchmark $BENCH_NAME runs, $BENCH_LOOPS times; nothing is calibrated, warmed up or
repeated, no worker is started, and the time is ours. $BENCH_SMALLER, `CONSTANT=n`, makes the work less: a list or
a file of text that the script's constant names is cut to its first n items or lines, a number becomes n.
"""

import argparse
import asyncio
import itertools
import os
import pathlib
import platform
import sys
from time import perf_counter

from body import measured, profile

__all__ = ["Runner", "perf_counter", "python_implementation"]
NAME = os.environ["BENCH_NAME"]
LOOPS = int(os.environ["BENCH_LOOPS"])
SMALLER = os.environ.get("BENCH_SMALLER")


def python_implementation():
    return platform.python_implementation().lower()


class Head:
    """The first lines of a file, read as pathlib does."""

    def __init__(self, path, lines):
        self.path, self.lines = path, lines

    def read_text(self, encoding):
        with self.path.open(encoding=encoding) as f:
            return "".join(itertools.islice(f, self.lines))


def make_smaller(script):
    name, _, n = SMALLER.partition("=")
    if isinstance(script[name], list):
        del script[name][int(n) :]
    elif isinstance(script[name], pathlib.Path):
        script[name] = Head(script[name], int(n))
    else:
        script[name] = int(n)


class Runner:
    def __init__(self, **_):
        self.argparser = argparse.ArgumentParser()
        self.metadata = {}
        if "--pure-python" in sys.argv:
            sys.modules.pop("pickle", None)  # a tool may have imported the one with an accelerator
        if SMALLER:
            make_smaller(sys._getframe(1).f_globals)

    def parse_args(self):
        return self.argparser.parse_args()

    def bench_time_func(self, name, function, *arguments, **_):
        if name == NAME:
            measured(profile(function), LOOPS, *arguments)

    def bench_func(self, name, function, *arguments, **_):
        if name == NAME:
            measured(self.repeat, profile(function), arguments)

    def bench_async_func(self, name, function, *arguments, **_):
        if name == NAME:
            measured(self.repeat, lambda *a: asyncio.run(function(*a)), arguments)

    @staticmethod
    def repeat(function, arguments):
        for _ in range(LOOPS):
            function(*arguments)

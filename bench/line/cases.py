"""What is measured: each case makes, for a tool, a function run(n) and says how many units n are.

title    what a unit is
tools    the tools that take part; the first is the base
clock    "cpu": this thread's; "family": this process's and its children's
spec     for rows of section 4 of the compat spec: (what it says of the original, memline's aim)
"""

import functools
import subprocess
import sys
from collections import namedtuple

import tools

Case = namedtuple("Case", "title tools make clock spec", defaults=("cpu", None))

PROFILERS = ("plain", "memline", "dropin", "original", "line_profiler")


def program(name):
    __import__("programs." + name)
    return sys.modules["programs." + name]


# --- make(tool) -> (run, units of run(n) / n) ----------------------------------------------------


def hot_loop(tool):
    return tool.decorate(program("loops").lines), 4


def realistic(name):
    def make(tool):
        module = program(name)
        tools.decorate_module(tool, module)
        return module.work, 1

    return make


def beside(function):
    """Code that is not profiled, in a process where other code has been."""

    def make(tool):
        loops = program("loops")
        tool.decorate(loops.one_line)()
        return getattr(loops, function), 4 if function == "lines" else 1

    return make


def callee(function):
    """Code that is not profiled, called by a line that is."""

    def make(tool):
        loops = program("loops")
        call, inner = tool.decorate(loops.call), getattr(loops, function)
        return (lambda n: call(n, inner)), 4

    return make


def wrapper(tool):
    loops = program("loops")
    function = tool.decorate(loops.nothing)
    return (lambda n: loops.call_often(n, function)), 1


class Sink:
    """Where reports go: their size is all that stays."""

    size = 0

    def write(self, text):
        self.size += len(text)

    def flush(self):
        pass


def report(tool):
    """@profile of the imported module: each call writes its report."""
    loops = program("loops")
    function, sink = loops.one_line, Sink()
    if hasattr(tool, "module"):
        function = tool.module.profile(function, stream=sink)
        function()
        assert 300 < sink.size < 500, sink.size
    return (lambda n: loops.call_often(n, function)), 1


def time_stamper(tool):
    loops = program("loops")
    function = loops.nothing
    if hasattr(tool, "module"):
        function = tool.module.TimeStamper("psutil")(function)
    return (lambda n: loops.call_often(n, function)), 1


def reading(include_children):
    def make(tool):
        loops = program("loops")
        if not hasattr(tool, "module"):
            return (lambda n: loops.call_often(n, loops.nothing)), 1
        get = tool.module._get_memory
        children = []
        if include_children:
            for _ in range(2):
                children.append(subprocess.Popen(["sleep", "60"]))

        if include_children:
            read = functools.partial(get, -1, "psutil", include_children=True)
        else:
            read = functools.partial(get, -1, "psutil")

        def run(n):
            loops.call_often(n, read)

        run.close = lambda: [(c.kill(), c.wait()) for c in children]
        return run, 1

    return make


def core_reading(tool):
    """_core.memory(): what stands under every reading of ours."""
    loops = program("loops")
    if tool.title == "plain Python":
        return (lambda n: loops.call_often(n, loops.nothing)), 1
    from memline import _core

    return (lambda n: loops.call_often(n, _core.memory)), 1


def backends(name):
    return ("plain", "dropin:" + name, "original:" + name)


CASES = {
    "loop": Case(
        "a line of a hot loop",
        ("plain", "memline", "dropin", "memline-plain", "original", "line_profiler"),
        hot_loop,
        "cpu",
        ("28.7-33.9 us", 2_000),
    ),
    "parse": Case("parsing 20 log lines", PROFILERS, realistic("log_parse")),
    "json": Case("a document to JSON and back", PROFILERS, realistic("json_trip")),
    "text": Case("building a page of strings", PROFILERS, realistic("text_build")),
    "simulation": Case("a step of a class-heavy simulation", PROFILERS, realistic("simulation")),
    "beside": Case("a line that is not profiled, in the same process", PROFILERS, beside("lines")),
    "exceptions": Case("an exception in code that is not profiled", PROFILERS, beside("catch")),
    "callee": Case(
        "a line of an undecorated callee", PROFILERS, callee("lines"), "cpu", ("145 ns", 65)
    ),
    "callee-big": Case(
        "the same, with a constant of 20,000 items",
        PROFILERS,
        callee("lines_big"),
        "cpu",
        ("69 us", 65),
    ),
    "wrapper": Case(
        "a call of an empty function under LineProfiler",
        PROFILERS,
        wrapper,
        "cpu",
        ("100 us", 2_000),
    ),
    "stamper": Case(
        "a call of an empty function under TimeStamper",
        ("plain", "dropin", "original"),
        time_stamper,
        "cpu",
        ("75 us", 5_000),
    ),
    "report": Case(
        "a call of a one-line function under @profile, report included",
        ("plain", "dropin", "original"),
        report,
        "cpu",
        ("322 us", 50_000),
    ),
    "reading": Case(
        "one reading, _get_memory",
        ("plain", "dropin", "original"),
        reading(False),
        "cpu",
        ("31.4 us", 1_500),
    ),
    "reading-core": Case("one reading, _core.memory()", ("plain", "memline"), core_reading),
    "reading-children": Case(
        "one reading with two child processes",
        ("plain", "dropin", "original"),
        reading(True),
        "cpu",
        ("1.1 ms", 200_000),
    ),
    "uss": Case(
        "a line, backend psutil_uss", backends("psutil_uss"), hot_loop, "cpu", ("495 us", None)
    ),
    "pss": Case(
        "a line, backend psutil_pss", backends("psutil_pss"), hot_loop, "cpu", ("534 us", None)
    ),
    "posix": Case(
        "a line, backend posix", backends("posix"), hot_loop, "family", ("7.6 ms", 2_000)
    ),
    "tracemalloc": Case(
        "a line, backend tracemalloc", backends("tracemalloc"), hot_loop, "cpu", ("4.3 ms", 2_000)
    ),
}

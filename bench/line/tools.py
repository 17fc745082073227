"""The profilers that are compared, each behind one face: decorate(function), and a name to print.

The drop-in and the original have the same module name. Which one is meant is checked by its file: the
original stands in a folder of its own (ORIGINAL), never where memline's is installed.
"""

import os
import sys
import tempfile
import tracemalloc

ORIGINAL = os.path.join(sys.prefix, "original")


class Plain:
    """Nothing at all."""

    title = "plain Python"

    def decorate(self, function):
        return function


class Memline(Plain):
    """memline.profile: figures into a mapped account book, as in `memline run`; no report."""

    title = "memline"
    gate = "faults"

    def __init__(self):
        from memline import _config, _session

        self.folder = tempfile.TemporaryDirectory()
        book = os.path.join(self.folder.name, "bench.book")
        _session.configure(_config.Settings(output=book, report=False, gate=self.gate, mode="line"))

    def decorate(self, function):
        import memline

        return memline.profile(function)


class MemlinePlain(Memline):
    """The same, reading the resident set at every line."""

    title = "memline, a read at every line"
    gate = "plain"


class _MemoryProfiler(Plain):
    backend = "psutil"

    def __init__(self):
        self.module = self.load()
        if self.backend == "tracemalloc":
            tracemalloc.start()  # the original's LineProfiler leaves it to others
        self.profiler = self.module.LineProfiler(backend=self.backend)

    def decorate(self, function):
        return self.profiler(function)


class DropIn(_MemoryProfiler):
    """LineProfiler of `memory_profiler` as memline gives it."""

    title = "memline drop-in"

    @staticmethod
    def load():
        import memline
        import memory_profiler

        home = os.path.dirname(memline.__file__)
        assert memory_profiler.__file__.startswith(home), memory_profiler.__file__
        return memory_profiler


class Original(_MemoryProfiler):
    """memory_profiler 0.61 from PyPI, with psutil."""

    title = "memory_profiler 0.61"

    @staticmethod
    def load():
        import psutil

        assert psutil.__file__.startswith(sys.prefix), psutil.__file__
        sys.path.insert(0, ORIGINAL)
        import memory_profiler

        assert memory_profiler.__file__.startswith(ORIGINAL), memory_profiler.__file__
        return memory_profiler


class LineTimes(Plain):
    """line_profiler, the newest for this Python: times, not memory."""

    title = "line_profiler"

    def __init__(self):
        from line_profiler import LineProfiler

        self.profiler = LineProfiler()

    def decorate(self, function):
        return self.profiler(function)


TOOLS = {
    "plain": Plain,
    "memline": Memline,
    "memline-plain": MemlinePlain,
    "dropin": DropIn,
    "original": Original,
    "line_profiler": LineTimes,
}
for _backend in ("psutil_uss", "psutil_pss", "posix", "tracemalloc"):
    TOOLS["dropin:" + _backend] = type("DropIn_" + _backend, (DropIn,), {"backend": _backend})
    TOOLS["original:" + _backend] = type("Original_" + _backend, (Original,), {"backend": _backend})


def decorate_module(tool, module):
    """Decorate every function and method that the module defines, where it stands."""
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, type):
            for key, member in list(vars(value).items()):
                if isinstance(member, property):
                    setattr(value, key, property(tool.decorate(member.fget)))
                elif hasattr(member, "__code__"):
                    setattr(value, key, tool.decorate(member))
        elif hasattr(value, "__code__"):
            setattr(module, name, tool.decorate(value))

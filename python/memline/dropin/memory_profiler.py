"""Profile the memory usage of a Python program, line by line.

The module `memory_profiler` as memline has it: the names of memory_profiler 0.61, its text and its
shapes, with right figures. What differs on purpose stands in docs/memory_profiler.md.
"""

# ruff: noqa: F401

from ._codemap import CodeMap
from ._line import LineProfiler
from ._logfile import LogFile
from ._magics import MemitResult, MemoryProfilerMagics, _func_exec, load_ipython_extension
from ._profile import last_report, profile
from ._run import _find_script, exec_with_profiler, run_module_with_profiler
from ._table import show_results, use_heading
from ._timestamper import TimeStamper, _TimeStamperCM
from ._usage import MemTimer, _get_child_memory, _get_memory, choose_backend, memory_usage
from ._version import __version__

has_tracemalloc = True
_TWO_20 = float(2**20)


def read_report(text):
    # type: (str) -> object
    """Read reports back from text; see _reader.py."""
    from ._reader import read_report as read

    return read(text)


def __getattr__(name: str) -> object:
    # mprof of old and third parties take psutil from here; we do not need it.
    if name == "psutil":
        try:
            import psutil  # type: ignore[import-untyped,import-not-found,unused-ignore]
        except ImportError:
            raise AttributeError("psutil is not installed; memline works without it") from None
        return psutil
    raise AttributeError(f"module 'memory_profiler' has no attribute {name!r}")


if __name__ == "__main__":
    from ._main import main

    main()

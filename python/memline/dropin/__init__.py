"""The drop-in for memory_profiler and mprof.

The modules here implement the two names; `memline-memory-profiler` (folder compat/) puts thin
aliases of them on the import path. Importing this package starts nothing.
"""


def install() -> None:
    """Make `import memory_profiler` and `import mprof` give memline's modules in this process.

    Whatever is installed under these names is left on disk and shadowed. A module that was
    imported before keeps its old reference, so call this first.
    """
    import sys

    from . import memory_profiler, mprof

    sys.modules["memory_profiler"] = memory_profiler
    sys.modules["mprof"] = mprof

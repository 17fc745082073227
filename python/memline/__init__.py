"""memline: which line ate the memory?

    @memline.profile                 book the lines of a function, a class, a method
    memline.start(mode="sample")     account for the heap by samples: cheap enough for production
    with memline.scope("request"):   every figure also per request, task or invocation
    with memline.profiling() as run: book every line of your own code that runs in the block
    memline.enable(), .disable()     the same, by hand
    memline.snapshot()               the figures so far: rows with fields, as dicts, for pandas
    memline run app.py               the same from the shell, without touching the code

Figures per line: hits (times it ran); of the heap, to the byte: net, peak, allocated, held; rss_net_bytes
(resident memory after minus before, summed over its runs) and rss_max_bytes. memline.Row tells them all.
One report comes at exit.
``MEMLINE=off`` in the environment switches all of it off.
"""

TYPE_CHECKING = False  # as in typing, whose import would cost more than all of ours
if TYPE_CHECKING:
    from typing import Any, List

    from ._core import version as __version__  # noqa: F401
    from ._scope import scope
    from ._session import Profiling as profiling
    from ._session import disable, enable, profile, snapshot, start, stop
    from ._snapshot import Function, Row, Scope, ScopeRow, Snapshot
    from .dropin import install as install_as_memory_profiler

__all__ = [
    "Function",
    "Row",
    "Scope",
    "ScopeRow",
    "Snapshot",
    "disable",
    "enable",
    "install_as_memory_profiler",
    "profile",
    "profiling",
    "scope",
    "snapshot",
    "start",
    "stop",
]

# Where each name lives: imported at first use, so that `import memline` costs next to nothing.
_HOMES = {
    "__version__": ("_core", "version"),
    "profile": ("_session", "profile"),
    "profiling": ("_session", "Profiling"),
    "enable": ("_session", "enable"),
    "disable": ("_session", "disable"),
    "snapshot": ("_session", "snapshot"),
    "start": ("_session", "start"),
    "stop": ("_session", "stop"),
    "scope": ("_scope", "scope"),
    "Scope": ("_snapshot", "Scope"),
    "ScopeRow": ("_snapshot", "ScopeRow"),
    "Snapshot": ("_snapshot", "Snapshot"),
    "Function": ("_snapshot", "Function"),
    "Row": ("_snapshot", "Row"),
    "install_as_memory_profiler": ("dropin", "install"),
}


def __getattr__(name: str) -> "Any":
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'memline' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module("." + home[0], __name__), home[1])
    globals()[name] = value
    return value


def __dir__() -> "List[str]":
    return sorted([*globals(), *_HOMES])

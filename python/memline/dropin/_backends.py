"""The five backends: which there are, and one reading of each. Sizes in MiB, times since 1970."""

from __future__ import annotations

import time

from .. import _core
from ._meter import METERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Tuple  # noqa: F401 (in type comments)

_TWO_20 = float(2**20)


class UnknownBackend(KeyError):
    """A name that is none of the five."""

    def __init__(self, name: object) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"unknown backend {self.name!r}; there are " + ", ".join(METERS)


_readable: Dict[str, bool] = {}  # meters that were tried: some kernels tell neither pss nor uss


def _is_available(backend: str) -> bool:
    meter = METERS[backend]
    if meter in ("rss", "tracemalloc"):
        return True
    if meter not in _readable:
        try:
            _core.memory(-1, meter)
            _readable[meter] = True
        except OSError:
            _readable[meter] = False
    return _readable[meter]


def choose_backend(new_backend=None):
    # type: (object) -> str
    """The backend of that name; None means psutil. Unavailable: another one, with a warning."""
    if new_backend is None:
        return "psutil"
    if not isinstance(new_backend, str) or new_backend not in METERS:
        raise UnknownBackend(new_backend)
    if _is_available(new_backend):
        return new_backend
    import warnings

    instead = next(name for name in METERS if _is_available(name))
    warnings.warn(f"{new_backend} can not be used, {instead} used instead", stacklevel=2)
    return instead


def kind_of(backend: str, include_children: bool) -> str:
    """What _core calls the memory that a backend reads. Not for tracemalloc."""
    if include_children and backend == "posix":
        raise NotImplementedError("the posix backend does not support include_children")
    kind = METERS.get(backend)
    if kind is None:
        raise UnknownBackend(backend)
    return kind


def traced_memory(pid: int = -1) -> Tuple[int, int]:
    """Bytes now and at most in the blocks that tracemalloc traces; RuntimeError if it does not."""
    import os
    import tracemalloc

    if pid not in (-1, os.getpid()):
        raise RuntimeError("the tracemalloc backend measures this process only")
    if not tracemalloc.is_tracing():
        raise RuntimeError("tracemalloc is not tracing; call tracemalloc.start() first")
    return tracemalloc.get_traced_memory()


def _get_memory(pid, backend, timestamps=False, include_children=False, filename=None):
    # type: (int, str, bool, bool, object) -> Any
    """Memory of a process (-1: this one) in MiB, or (MiB, time). filename is ignored.

    Raises ProcessLookupError, PermissionError."""
    if backend == "psutil" and not include_children:  # the quick way for most callers
        size = _core.memory(pid)
    elif backend == "tracemalloc":
        size = traced_memory(pid)[0]
    else:
        kind = kind_of(backend, include_children)
        size = _core.memory(pid, kind)
        if include_children:
            size += sum(child for _, child in _core.children_memory(pid, kind))
    return (size / _TWO_20, time.time()) if timestamps else size / _TWO_20


# psutil's names for a figure, and its places in the tuples memory_info and memory_full_info.
_METRICS = {0: "rss", 7: "uss", 8: "pss", "rss": "rss", "uss": "uss", "pss": "pss"}


def _get_child_memory(process, meminfo_attr=None, memory_metric=0):
    # type: (Any, object, Any) -> Iterator[Tuple[int, float]]
    """(pid, MiB) of all descendants of a process (its number, or what has a pid).

    (0, 0.0) for one that does not exist. meminfo_attr is ignored."""
    pid = getattr(process, "pid", process)
    if memory_metric not in _METRICS:
        raise ValueError(f"memory_metric {memory_metric!r} is none of rss, pss, uss")
    kind = _METRICS[memory_metric]
    try:
        _core.memory(pid)
        children = _core.children_memory(pid, kind)
    except OSError:
        children = [(0, 0)]
    for child, size in children:
        yield child, size / _TWO_20

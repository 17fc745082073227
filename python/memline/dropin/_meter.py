"""From memory_profiler's five backends to the engine's meters."""

from __future__ import annotations

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

# posix asked `ps` for the resident set in the original; the figure is the same, the price is not.
METERS: Dict[str, str] = {
    "psutil": "rss",
    "psutil_pss": "pss",
    "psutil_uss": "uss",
    "posix": "rss",
    "tracemalloc": "tracemalloc",
}


def recorder(backend: str, include_children: bool, **options: Any) -> _core.Recorder:
    """A new recorder for a backend (one that choose_backend gave); options as of _core.Recorder."""
    if include_children and backend == "posix":
        raise NotImplementedError("the posix backend does not support include_children")
    # tracemalloc knows this process only.
    children = bool(include_children) and backend != "tracemalloc"
    return _core.Recorder(meter=METERS[backend], include_children=children, **options)

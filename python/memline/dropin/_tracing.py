"""tracemalloc, on while somebody needs it: started by the first hold, stopped after the last.

If tracemalloc was tracing already, it is somebody else's and stays as it is.
"""

from __future__ import annotations

import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_lock = _thread.allocate_lock()
_holders = 0
_ours = False  # we started it, so we stop it


def hold() -> Callable[[], None]:
    """Keep tracemalloc tracing until the returned function is called (once is enough)."""
    global _holders, _ours
    import tracemalloc

    with _lock:
        if not tracemalloc.is_tracing():
            tracemalloc.start()
            _ours = True
        _holders += 1
    held = [True]

    def release() -> None:
        global _holders, _ours
        with _lock:
            if not held:
                return
            held.clear()
            _holders -= 1
            if _holders == 0 and _ours:
                tracemalloc.stop()
                _ours = False

    return release


def hold_while_alive(owner: Any) -> None:
    """Keep tracemalloc tracing until owner is collected."""
    import weakref

    weakref.finalize(owner, hold()).atexit = False

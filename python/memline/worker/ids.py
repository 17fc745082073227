"""Which invocation does this code belong to?

Three places know, asked in this order: the context variable (set for the invocation's task or pool
thread; tasks and loops started by the function inherit it), the thread-local that functions get as
`context.thread_local_storage` (a thread of the user's may set `invocation_id` there), and the mark that a
thread got when it was started.
"""

import concurrent.futures.thread
import contextvars
import threading
from typing import Optional

current: "contextvars.ContextVar[Optional[str]]" = contextvars.ContextVar(
    "memline_invocation_id", default=None
)
_MARK = "_memline_invocation_id"


class ThreadLocal(threading.local):
    """What functions see as context.thread_local_storage.

    On the loop's thread many invocations take turns, so the context variable answers first."""

    @property
    def invocation_id(self) -> Optional[str]:
        return current.get() or self.__dict__.get("_invocation_id")

    @invocation_id.setter
    def invocation_id(self, value: Optional[str]) -> None:
        self.__dict__["_invocation_id"] = value

    @property
    def noted(self) -> Optional[str]:
        """What was set in this thread, leaving the context variable aside."""
        return self.__dict__.get("_invocation_id")


local = ThreadLocal()


def find() -> Optional[str]:
    """The id of the invocation that the calling code belongs to, also after its end; or None."""
    return current.get() or local.noted or getattr(threading.current_thread(), _MARK, None)


def mark_new_threads() -> None:
    """From now on a thread remembers the invocation that started it.

    A thread of an executor serves many callers, so it is left out."""
    start = threading.Thread.start

    def start_marked(self: threading.Thread) -> None:
        if getattr(self, "_target", None) is not concurrent.futures.thread._worker:
            owner = find()
            if owner is not None:
                setattr(self, _MARK, owner)
        start(self)

    start_marked.__name__ = "start"
    start_marked.__qualname__ = "Thread.start"
    start_marked.__doc__ = start.__doc__
    threading.Thread.start = start_marked  # type: ignore[method-assign]

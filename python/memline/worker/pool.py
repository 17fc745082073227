"""Threads for sync functions, and for whatever a function hands to the loop's default executor."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Optional

from . import ids
from .logs import system_log


class Pool(ThreadPoolExecutor):
    """Starts threads on demand; work handed over keeps the invocation it came from."""

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> "Future[Any]":
        owner = ids.current.get()
        if owner is None:
            return super().submit(fn, *args, **kwargs)
        return super().submit(_run_as, owner, fn, args, kwargs)


def _run_as(owner: str, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    token = ids.current.set(owner)
    try:
        return fn(*args, **kwargs)
    finally:
        ids.current.reset(token)


def make(threads: Optional[int]) -> Pool:
    """A pool of so many threads at most; the library's default if None or not a positive number."""
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        system_log.warning("PYTHON_THREADPOOL_THREAD_COUNT must be an integer of at least 1")
        threads = None
    return Pool(max_workers=threads, thread_name_prefix="ThreadPoolExecutor-0")

"""Samplers: memory over time while something else runs. All give (MiB, time) samples.

The first sample is taken by start(), the last by stop(), and there are three or more. A peak
between two samples is a sample too: from the kernel's high-water mark, or from tracemalloc's.
"""

from __future__ import annotations

import time

from .. import _core
from . import _tracing
from ._backends import _TWO_20, kind_of, traced_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Callable, List, Optional, Tuple, Union

    Sample = Tuple[float, float]


def sampler(
    backend: str, interval: float, include_children: bool = False, pid: int = -1
) -> Union[ProcessSampler, TracedSampler]:
    """A sampler for a backend, not yet started; interval in seconds."""
    if backend == "tracemalloc":
        return TracedSampler(interval)
    return ProcessSampler(pid, interval, kind_of(backend, include_children), include_children)


class ProcessSampler:
    """Samples a process from a C thread."""

    def __init__(self, pid: int, interval: float, kind: str, include_children: bool) -> None:
        self._watcher = _core.Watcher(
            pid, interval, kind=kind, include_children=bool(include_children)
        )

    def start(self) -> None:
        self._watcher.start()

    def stop(self) -> List[Sample]:
        return [(size / _TWO_20, at) for size, at in self._watcher.stop()]


class TracedSampler:
    """Samples the Python blocks of this process, which only a Python thread can ask for."""

    def __init__(self, interval: float) -> None:
        if not 0 <= interval < float("inf"):
            raise ValueError("interval must be a number of seconds, 0 or more")
        self._interval = max(interval, 1e-4)
        self._samples: List[Tuple[int, float]] = []
        self._high = 0
        self._release: Optional[Callable[[], None]] = None
        self._thread: Optional[threading.Thread] = None
        self._stop: Optional[threading.Event] = None

    def start(self) -> None:
        import threading
        import tracemalloc

        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memline-sampler", daemon=True)
        self._release = _tracing.hold()
        if hasattr(tracemalloc, "reset_peak"):  # 3.9; before, only marks above the old one tell
            tracemalloc.reset_peak()
        self._high = tracemalloc.get_traced_memory()[1]
        self._look()
        self._thread.start()

    def stop(self) -> List[Sample]:
        if self._release is not None and self._stop is not None and self._thread is not None:
            self._stop.set()
            self._thread.join()
            if len(self._samples) < 2:
                self._look()
            self._look()
            self._release()
            self._release = None
        return [(size / _TWO_20, at) for size, at in self._samples]

    def _run(self) -> None:
        assert self._stop is not None
        while not self._stop.wait(self._interval):
            self._look()

    def _look(self) -> None:
        try:
            size, peak = traced_memory()
        except RuntimeError:  # the program turned tracemalloc off
            return
        now = time.time()
        if self._samples and peak > self._high:
            last, last_time = self._samples[-1]
            if peak > max(last, size):
                self._samples.append((peak, (last_time + now) / 2))
        self._high = peak
        self._samples.append((size, now))

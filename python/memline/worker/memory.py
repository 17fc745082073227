"""Resident memory around each invocation, in bytes, read from the kernel's own counters.

One read costs about 2 us (resident set) or 8 us (high-water mark). The high-water mark is set back when an
invocation begins and none other runs, so the peak is this invocation's own; of invocations that overlap,
each sees the peak since the first of them began. Where the kernel forbids the reset, the peak is known
only if this invocation raised it.
"""

import os
import threading
from typing import Dict, Optional

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return -1


class Meter:
    """Reads this process's memory; every figure is None where the system does not tell."""

    def __init__(self, measure: bool = True) -> None:
        self._measure = measure  # False: only count what runs
        self._statm = _open("/proc/self/statm", os.O_RDONLY)
        self._status = _open("/proc/self/status", os.O_RDONLY)
        self._reset = _open("/proc/self/clear_refs", os.O_WRONLY)
        self._lock = threading.Lock()
        self.running = 0  # under _lock: invocations between begin and end

    def rss(self) -> Optional[int]:
        if self._statm < 0:
            return None
        return int(os.pread(self._statm, 96, 0).split(b" ", 2)[1]) * _PAGE

    def high_water(self) -> Optional[int]:
        if self._status < 0:
            return None
        text = os.pread(self._status, 4096, 0)
        at = text.find(b"VmHWM:")
        return int(text[at + 6 : text.index(b"kB", at)]) * 1024 if at >= 0 else None

    def begin(self) -> Optional["Reading"]:
        with self._lock:
            self.running += 1
            if not self._measure:
                return None
            if self.running == 1 and self._reset >= 0:
                try:
                    os.write(self._reset, b"5")
                except OSError:
                    os.close(self._reset)
                    self._reset = -1
        own = self._reset >= 0
        return Reading(self.rss(), None if own else self.high_water())

    def end(self, reading: Optional["Reading"]) -> Optional[Dict[str, Optional[int]]]:
        """The figures of one invocation, as the result frame carries them; None if not measured."""
        with self._lock:
            self.running -= 1
        if reading is None:
            return None
        after = self.rss()
        peak = self.high_water()
        if peak is not None:
            if reading.mark is not None and peak <= reading.mark:
                peak = None  # the mark is older than this invocation
            else:
                # The kernel updates both counters lazily; a peak is never below its ends.
                peak = max(peak, reading.before or 0, after or 0)
        return {"rss_before": reading.before, "rss_after": after, "rss_peak": peak}


class Reading:
    """What was read when an invocation began."""

    __slots__ = ("before", "mark")

    def __init__(self, before: Optional[int], mark: Optional[int]) -> None:
        self.before = before
        self.mark = mark  # high-water mark at the beginning, where it cannot be reset

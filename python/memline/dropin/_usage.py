"""memory_usage: the memory of a function call or of a process over time.

A function runs exactly once, in this process, while a C thread samples (see _samplers.py). Other
processes are read from here, once each interval.
"""

from __future__ import annotations

import time

from .. import _core
from . import _samplers
from ._backends import (
    _TWO_20,
    _get_child_memory,
    _get_memory,
    choose_backend,
    kind_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Any, Callable, Dict, List, Optional, Tuple

    Sample = Tuple[float, float]  # MiB, seconds since 1970
    Call = Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]

__all__ = [
    "_TWO_20",
    "MemTimer",
    "_get_child_memory",
    "_get_memory",
    "choose_backend",
    "memory_usage",
]

_FLUSH_AFTER = 50  # records


def memory_usage(
    proc=-1,
    interval=0.1,
    timeout=None,
    timestamps=False,
    include_children=False,
    multiprocess=False,
    max_usage=False,
    retval=False,
    stream=None,
    backend=None,
    max_iterations=None,
):
    # type: (Any, float, Optional[float], bool, bool, bool, bool, bool, Any, Any, Any) -> Any
    """Memory of a process or of a function call, sampled each interval; MiB.

    proc: a process id (-1: this process; a string of digits will do), a subprocess.Popen, a
        function, or (function, args, kwargs), which is called once in this process.
    interval: seconds between two samples.
    timeout: seconds after which sampling a process ends. A function is never stopped.
    timestamps: samples are (MiB, seconds since 1970).
    include_children: samples include all descendants.
    multiprocess: of a process: each sample is a list, the process and then each descendant.
    max_usage: one figure, the highest. Of a call it is the true peak, from the kernel's high-water
        mark of the process, not just the highest sample. (The mark is reset for that.)
    retval: of a call: (usage, what the function returned).
    stream: a text file that gets the samples as MEM and CHLD records; the result is None.
    backend: psutil (default) and posix: resident set; psutil_pss, psutil_uss: its proportional,
        its unique part; tracemalloc: Python blocks, of calls only.
    max_iterations: call the function again, up to so many times and ten times finer each time,
        until there are more than four samples. Default: once.

    Returns a list of samples unless max_usage or stream is given.
    Raises ProcessLookupError if there is no such process; what the function raises.
    """
    backend = choose_backend(backend)
    call = _call_of(proc)
    if call is not None:
        samples, value = _sample_call(
            call, interval, include_children, stream, backend, max_iterations
        )
        usage = _shape_call(samples, bool(timestamps), bool(max_usage))
        if stream is not None:
            return None
        return (usage, value) if retval else usage
    watch = _Watch(proc, interval, timeout, backend, bool(include_children), bool(multiprocess))
    return watch.run(bool(timestamps), bool(max_usage), stream)


# -- calls -----------------------------------------------------------------------------------------


def _call_of(proc: Any) -> Optional[Call]:
    """The call that proc stands for; None if it is a process. Raises ValueError."""
    if callable(proc):
        return proc, (), {}
    if not isinstance(proc, (list, tuple)):
        return None
    if not 1 <= len(proc) <= 3:
        raise ValueError(
            "a call to measure is (function,), (function, args) or (function, args, kwargs),"
            f" not {len(proc)} items"
        )
    function = proc[0]
    args = proc[1] if len(proc) > 1 else ()
    kwargs = proc[2] if len(proc) > 2 else {}
    return function, args, kwargs


def _sample_call(
    call: Call,
    interval: float,
    include_children: bool,
    stream: Any,
    backend: str,
    max_iterations: Optional[int],
) -> Tuple[List[Sample], Any]:
    function, args, kwargs = call
    iteration = 1
    while True:
        sampler = _samplers.sampler(backend, interval, include_children)
        sampler.start()
        try:
            value = function(*args, **kwargs)
        finally:
            samples = sampler.stop()
            if stream is not None:
                for mib, now in samples:
                    _write(stream, mib, [], now)
                _flush(stream)
        if max_iterations is None or iteration >= max_iterations or len(samples) > 4:
            return samples, value
        iteration += 1
        interval /= 10


def _shape_call(samples: List[Sample], timestamps: bool, max_usage: bool) -> Any:
    if max_usage:
        highest = max(samples, key=lambda sample: sample[0])
        return highest if timestamps else highest[0]
    if timestamps:
        return samples
    return [mib for mib, _ in samples]


# -- processes -------------------------------------------------------------------------------------


class _Watch:
    """Samples another process (or this one) until it ends or time is up."""

    def __init__(
        self,
        proc: Any,
        interval: float,
        timeout: Optional[float],
        backend: str,
        include_children: bool,
        multiprocess: bool,
    ) -> None:
        self.poll = getattr(proc, "poll", None)  # of a Popen
        self.pid = _pid_of(proc)
        self.interval = interval
        self.backend = backend
        self.include_children = include_children
        self.multiprocess = multiprocess
        self.left: Optional[int] = None  # samples to take; None: until the process ends
        if timeout is not None:
            if interval <= 0:
                raise ValueError("interval must be greater than 0 when there is a timeout")
            self.left = max(1, round(timeout / interval))
        elif self.poll is None:
            self.left = 1
        self.sleeps = timeout is not None or self.poll is not None

    def run(self, timestamps: bool, max_usage: bool, stream: Any) -> Any:
        result: List[Any] = []
        highest = 0.0
        before = self._mark() if max_usage else 0
        taken = 0
        while not taken or not self._is_over():
            try:
                mib, children = self._read()
            except ProcessLookupError:
                if taken == 0 and self.poll is None:
                    raise
                if taken:
                    break
                mib, children = 0.0, []  # a Popen that ended before our first look
            now = time.time()
            taken += 1
            if stream is not None:
                _write(stream, mib, children, now)
                if taken % _FLUSH_AFTER == 0:
                    _flush(stream)
            elif max_usage:
                mark = self._mark()
                peak = mark / _TWO_20 if mark > before else 0.0  # of which no sample need tell
                highest = max(highest, mib, peak)
            else:
                sample = (mib, now) if timestamps else mib
                sizes = [size for _, size in children]
                result.append([sample, *sizes] if self.multiprocess else sample)
        if stream is not None:
            _flush(stream)
            return None
        return highest if max_usage else result

    def _read(self) -> Tuple[float, List[Tuple[int, float]]]:
        mib = _get_memory(self.pid, self.backend, include_children=self.include_children)
        if not self.multiprocess or self.backend == "tracemalloc":
            return mib, []
        kind = kind_of(self.backend, self.include_children)
        children = _core.children_memory(self.pid, kind)
        return mib, [(pid, size / _TWO_20) for pid, size in children]

    def _mark(self) -> int:
        """The process's high-water mark, bytes; 0 where it is not what we read."""
        if self.include_children or self.backend not in ("psutil", "posix"):
            return 0
        try:
            return _core.peak_memory(self.pid)
        except OSError:
            return 0

    def _is_over(self) -> bool:
        """Wait for the next sample; true if there is to be none."""
        if self.sleeps:
            time.sleep(self.interval)
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                return True
        return self.poll is not None and self.poll() is not None


def _pid_of(proc: Any) -> int:
    if isinstance(proc, str):
        if proc.strip().isdecimal():
            return int(proc)
        raise TypeError(
            f"memory_usage of {proc!r}: a string must be a process id; to measure code, pass a"
            " function or (function, args, kwargs)"
        )
    pid = getattr(proc, "pid", proc)  # Popen, psutil.Process, multiprocessing.Process
    if hasattr(pid, "__index__"):
        return int(pid)
    raise TypeError(
        "proc must be a process id, a subprocess.Popen, a function, or (function, args, kwargs),"
        f" not {type(proc).__name__}"
    )


# -- both ------------------------------------------------------------------------------------------


def _write(stream: Any, mib: float, children: List[Tuple[int, float]], now: float) -> None:
    stream.write(f"MEM {mib:.6f} {now:.4f}\n")
    for pid, size in children:
        stream.write(f"CHLD {pid} {size:.6f} {now:.4f}\n")


def _flush(stream: Any) -> None:
    flush = getattr(stream, "flush", None)
    if flush is not None:
        flush()


class MemTimer:
    """Samples a process until something comes through pipe; then sends samples and their number.

    It sends 0 through the pipe when the first sample is taken. With max_usage it sends a list of
    one sample. (The original is a multiprocessing.Process; this is a thread with its methods.)
    """

    def __init__(self, monitor_pid, interval, pipe, backend, max_usage=False, *args, **kw):
        # type: (int, float, Any, str, bool, Any, Any) -> None
        self.monitor_pid = monitor_pid
        self.interval = interval
        self.pipe = pipe
        self.backend = backend
        self.max_usage = max_usage
        self.timestamps = kw.pop("timestamps", True)
        self.include_children = kw.pop("include_children", False)
        self.n_measurements = 0
        self.mem_usage: List[Any] = []
        self.daemon = True
        self._thread: Optional[threading.Thread] = None

    def start(self):
        # type: () -> None
        import threading

        self._thread = threading.Thread(target=self.run, daemon=self.daemon)
        self._thread.start()

    def run(self):
        # type: () -> None
        sampler = _samplers.sampler(
            self.backend, self.interval, self.include_children, self.monitor_pid
        )
        sampler.start()
        try:
            self.pipe.send(0)
            self.pipe.poll(None)
        finally:
            samples = sampler.stop()
        usage = _shape_call(samples, self.timestamps, self.max_usage)
        self.mem_usage = [usage] if self.max_usage else usage
        self.n_measurements = len(samples)
        self.pipe.send(self.mem_usage)
        self.pipe.send(self.n_measurements)

    def is_alive(self):
        # type: () -> bool
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout=None):
        # type: (Optional[float]) -> None
        if self._thread is not None:
            self._thread.join(timeout)

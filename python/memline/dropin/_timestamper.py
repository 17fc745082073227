"""TimeStamper: when decorated functions and blocks started and ended, and memory at both moments.

Its records are the FUNC lines of mprof's files:

    FUNC module.name MiB_start time_start MiB_end time_end level

They are printed at the end, or, with record_to(), appended to a file as each call ends, so that
they outlive a killed process and come from child processes as well.
"""

from __future__ import annotations

import contextlib
import os
import time
from types import FunctionType

from .. import _wrap
from . import _kinds, _tracing
from ._usage import _get_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Set, Tuple  # noqa: F401

    Reading = Tuple[float, float]  # MiB, seconds since 1970


class _TimeStamperCM:
    """One span: notes memory and time when it is entered and when it is left."""

    def __init__(
        self, timestamps, filename, backend, timestamper=None, func=None, include_children=False
    ):
        # type: (List[Reading], Any, str, Optional[TimeStamper], Any, bool) -> None
        self.timestamps = timestamps
        self.filename = filename
        self.backend = backend
        self.ts = timestamper
        self.func = func
        self.include_children = include_children
        self._level = 0

    def _note(self) -> None:
        reading = _get_memory(
            -1, self.backend, timestamps=True, include_children=self.include_children
        )
        self.timestamps.append(reading)

    def __enter__(self):
        # type: () -> _TimeStamperCM
        if self.ts is not None:
            self.ts.current_stack_level += 1
            self._level = self.ts.current_stack_level
            self.ts.stack[self.func].append(self._level)
        self._note()
        return self

    def __exit__(self, *args):
        # type: (Any) -> None
        self._note()
        if self.ts is not None:
            self.ts.current_stack_level -= 1
            self.ts._ended(self.func, self.timestamps, self._level)


class TimeStamper:
    """Notes start and end of the calls of the functions it decorates."""

    def __init__(self, backend, include_children=False):
        # type: (str, bool) -> None
        self.backend = backend
        self.include_children = include_children
        self.functions: Dict[Any, List[List[Reading]]] = {}
        self.stack: Dict[Any, List[int]] = {}
        self.current_stack_level = -1
        self.enable_count = 0
        self._made: Set[Any] = set()  # the wrappers
        self._file: Optional[str] = None
        self._blocks: List[_TimeStamperCM] = []  # open ones of `with profile:` and enable()
        if backend == "tracemalloc":
            _tracing.hold_while_alive(self)

    def __call__(self, func=None, precision=None, **ignored):
        # type: (Any, Any, Any) -> Any
        """Decorate func, or return a decorator; all options are accepted and ignored."""
        if func is None:
            return lambda function: self(function)
        if not callable(func) and not hasattr(func, "__get__"):
            raise ValueError("Value must be callable")
        if isinstance(func, FunctionType) and func in self._made:
            return func  # decorated twice
        return _wrap.decorate(func, self._decorate, _EVERY_TIME)

    def _decorate(self, function: Any) -> Any:
        self.add_function(function)
        wrapped = self.wrap_function(function)
        self._made.add(wrapped)
        return wrapped

    def add_function(self, func):
        # type: (Any) -> None
        """Make room for func's spans."""
        if func not in self.functions:
            self.functions[func] = []
            self.stack[func] = []

    def wrap_function(self, func):
        # type: (Any) -> Any
        """A function of the same kind as func that notes each of its calls."""
        self.add_function(func)
        return _kinds.around(func, lambda: self._span(func))

    def _span(self, func: Any) -> _TimeStamperCM:
        timestamps: List[Reading] = []
        self.functions[func].append(timestamps)
        return _TimeStamperCM(
            timestamps, None, self.backend, self, func, include_children=self.include_children
        )

    def timestamp(self, name="<block>"):
        # type: (str) -> _TimeStamperCM
        """A context manager that notes a block of code under a name."""

        def func() -> None:
            pass

        func.__module__ = ""
        func.__name__ = name
        self.add_function(func)
        return self._span(func)

    @contextlib.contextmanager
    def call_on_stack(self, func, *args, **kwds):
        # type: (Any, Any, Any) -> Iterator[Any]
        """Call func one level further in; gives its result."""
        self.current_stack_level += 1
        try:
            self.stack[func].append(self.current_stack_level)
            yield func(*args, **kwds)
        finally:
            self.current_stack_level -= 1

    # -- what a LineProfiler can do as well --------------------------------------------------------

    def __enter__(self):
        # type: () -> TimeStamper
        self.enable_by_count()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        # type: (Any, Any, Any) -> None
        self.disable_by_count()

    def enable_by_count(self):
        # type: () -> None
        """Start a block, unless one was started this way; nests."""
        if self.enable_count == 0:
            self.enable()
        self.enable_count += 1

    def disable_by_count(self):
        # type: () -> None
        """End the block at the outermost of these calls."""
        if self.enable_count > 0:
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()

    def enable(self):
        # type: () -> None
        """Start a block; does not nest."""
        if not self._blocks:
            block = self.timestamp()
            block.__enter__()
            self._blocks.append(block)

    def disable(self):
        # type: () -> None
        """End the block."""
        if self._blocks:
            self._blocks.pop().__exit__()

    # -- records -----------------------------------------------------------------------------------

    def record_to(self, path: str) -> None:
        """Append each record to a file as soon as its call has ended, in child processes too."""
        self._file = os.path.abspath(path)

    def _ended(self, func: Any, timestamps: List[Reading], level: int) -> None:
        if self._file is not None:
            _append(self._file, _record(func, timestamps, level))

    def show_results(self, stream=None):
        # type: (Any) -> None
        """Print the records of all calls, by default to sys.stdout.

        Calls that have not ended are said to end now. With record_to() they alone are written.
        """
        now: Optional[Reading] = None
        for func, spans in self.functions.items():
            for timestamps, level in zip(list(spans), list(self.stack[func])):
                ended = len(timestamps) > 1
                if not ended:
                    now = now or (_get_memory(-1, self.backend), time.time())
                    timestamps = [*timestamps, now, now][:2]
                if self._file is None:
                    _write(stream, _record(func, timestamps, level))
                elif not ended:
                    _append(self._file, _record(func, timestamps, level))


def _record(func: Any, timestamps: List[Reading], level: int) -> str:
    # A blank would end the name, a newline the record.
    name = "_".join(f"{func.__module__}.{func.__name__}".split())
    (start_mib, start), (end_mib, end) = timestamps[:2]
    return f"FUNC {name} {start_mib:.4f} {start:.4f} {end_mib:.4f} {end:.4f} {level}\n"


def _write(stream: Any, text: str) -> None:
    if stream is None:
        import sys

        stream = sys.stdout
    stream.write(text)


def _append(path: str, text: str) -> None:
    # One write to a file opened for appending: records of several processes do not mix.
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError:
        return  # the file went away, or no descriptor is left: the program goes on
    try:
        os.write(fd, text.encode("utf-8", "backslashreplace"))
    except OSError:
        pass
    finally:
        os.close(fd)


# The key for _wrap.decorate that no function is ever known by: it is not hashable.
_EVERY_TIME: List[Any] = []


# -- the one that `python -m memory_profiler --timestamp` runs -------------------------------------

_active: Optional[TimeStamper] = None


def activate(timestamper: Optional[TimeStamper]) -> None:
    """From now on functions that a script decorates with an imported `profile` are noted too."""
    global _active
    _active = timestamper


def also(function: Any) -> Any:
    """function, noted by the active TimeStamper if there is one."""
    if _active is None:
        _activate_for_mprof()
    return function if _active is None else _active.wrap_function(function)


def _activate_for_mprof() -> None:
    """In a program that `mprof run` started, other than through us (see README.md)."""
    path = os.environ.get("MEMLINE_MPROF_FILE")
    if path:
        timestamper = TimeStamper("psutil")
        timestamper.record_to(path)
        activate(timestamper)

"""LineProfiler: figures of every line of chosen functions, added up over calls.

The engine (memline._core) does the counting. The figures stand in code_map, a plain dict of dicts,
and are brought up to date whenever somebody looks at it and when counting stops. Subclasses may put
a map of their own in its place, and override add_function, wrap_function and the map's methods:
all are looked up when used, and the engine measures whatever code stands in the map.
"""

from __future__ import annotations

import sys
import types
import warnings

from .. import _core, _wrap
from . import _debugger, _figures, _meter, _source, _tracing
from ._codemap import CodeMap
from ._usage import _get_memory, choose_backend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, Dict, List, Optional, Tuple

    from ._codemap import Inner
    from ._report import Report


class LineProfiler:
    """Records the memory of each line of the functions added to it.

    Keywords: include_children (False), backend ('psutil'), max_mem (MiB: enter the debugger when a
    line ends at or above it); others are ignored.
    """

    def __init__(self, **kw):
        # type: (Any) -> None
        include_children = kw.get("include_children", False)
        self.backend = choose_backend(kw.get("backend"))
        self.max_mem: Any = kw.get("max_mem")
        self.enable_count = 0
        self.prevlines: List[int] = []
        self.prev_lineno: Optional[int] = None
        self._on = False
        self._stopped = False  # the debugger was entered
        options: Dict[str, Any] = {}
        if self.max_mem is not None:
            options = {"max_bytes": int(self.max_mem * _figures.MIB), "on_max": self._stop_here}
        self._recorder: _core.Recorder = _meter.recorder(self.backend, include_children, **options)
        # By id: top-level code that the recorder measures, and the code that it is booked under:
        # itself, or the code of the function that it is our copy of.
        self._wrapped = False  # at least one function
        self._decorating = False  # inside __call__
        self._added: Dict[int, CodeType] = {}  # by id: what was added without being wrapped
        self._registered = 0  # entries of the map that _register has seen
        self._tops: Dict[int, Tuple[CodeType, CodeType]] = {}
        if self.backend == "tracemalloc":
            _tracing.hold_while_alive(self)
        self.code_map = CodeMap(include_children=include_children, backend=self.backend)

    # -- the map -----------------------------------------------------------------------------------

    @property
    def code_map(self) -> Any:
        """The CodeMap, its figures up to date."""
        self._flush()
        return self._map

    @code_map.setter
    def code_map(self, new: Any) -> None:
        self._map = new
        self._registered = 0
        self._recorder.clear()
        if isinstance(new, CodeMap):
            new._refresh = self._flush

    def _flush(self) -> None:
        """Write the engine's figures into the map."""
        totals: Dict[int, Tuple[Inner, Inner]] = {}
        for code, booked in list(self._tops.values()):
            entry = self._recorder.entry(code)
            rows = self._recorder.rows(code)
            if entry is None and not rows:
                continue
            inner = _inner(self._map, booked)
            if inner is not None:
                _, sums = totals.setdefault(id(inner), (inner, {}))
                _figures.add(sums, _figures.figures(code, entry, rows), code.co_firstlineno)
        for inner, sums in totals.values():
            inner.update(sums)

    def _register(self) -> None:
        """Have the engine measure all code in the map, whoever put it there."""
        if self._registered == len(self._map):
            return
        seen: Dict[int, CodeType] = {}  # inner dict -> its top-level code
        for code in self._map.codes() if isinstance(self._map, CodeMap) else list(self._map):
            top = seen.setdefault(id(_inner(self._map, code)), code)
            if top is code:
                self._measure(code)
        self._registered = len(self._map)

    def _measure(self, code: CodeType) -> None:
        """Measure code, while the profiler is on."""
        if id(code) not in self._tops:
            self._tops[id(code)] = (code, code)
            self._recorder.add(code)
            _wrap.add_nested(self._recorder, code, code, False)

    def _measure_within(self, code: CodeType, top: Optional[CodeType] = None) -> None:
        """Measure code also while a wrapped function runs."""
        self._recorder.add(code, top, always=True, within=True)
        for inner in _source.nested(code):
            self._measure_within(inner, top or code)

    # -- functions ---------------------------------------------------------------------------------

    def __call__(self, func=None, precision=1, **ignored):
        # type: (Any, int, Any) -> Any
        """Decorate func (or return a decorator). What is ignored here, the report decides."""
        if func is None:
            return lambda function: self(function, precision=precision)
        # A key of its own: the guard against double decoration is our own, below.
        return _wrap.decorate(func, self._decorate, object())

    def _decorate(self, function: Any) -> Any:
        if id(function.__code__) in self._tops and function.__code__ not in self._map:
            return function  # our copy of a function: decorated twice
        self._decorating = True
        try:
            self.add_function(function)
        finally:
            self._decorating = False
        wrapped = self.wrap_function(function)
        if wrapped is not function:
            wrapped.__module__ = function.__module__
            wrapped.__name__ = function.__name__
            wrapped.__doc__ = function.__doc__
            wrapped.__dict__.update(getattr(function, "__dict__", {}))
        return wrapped

    def add_function(self, func):
        # type: (Any) -> None
        """Measure func's lines while the profiler is on, or while a function that it wrapped runs.

        Warns if func has no Python code.
        """
        try:
            code = func.__code__
        except AttributeError:
            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
            return
        _source.remember(code, getattr(func, "__globals__", None))
        in_step = self._registered == len(self._map)
        self._map.add(code)
        if code in self._map:
            self._measure(code)
            if not self._decorating:
                self._added[id(code)] = code
                if self._wrapped:
                    self._measure_within(code)
        if in_step:
            self._registered = len(self._map)

    def wrap_function(self, func):
        # type: (Any) -> Any
        """A function like func that is measured whenever it runs; func itself stays as it is."""
        self._register()
        if not isinstance(func, types.FunctionType):
            return self._wrap_callable(func)
        self._wrapped = True
        self._added.pop(id(func.__code__), None)
        for code in self._added.values():
            self._measure_within(code)
        twin = _twin(func)
        wrapped = _wrap.instrument(twin, self._recorder)
        self._tops[id(twin.__code__)] = (twin.__code__, func.__code__)
        return wrapped

    def _wrap_callable(self, func: Any) -> Any:
        def f(*args: Any, **kwds: Any) -> Any:
            self.enable_by_count()
            try:
                return func(*args, **kwds)
            finally:
                self.disable_by_count()

        return f

    def runctx(self, cmd, globals, locals):
        # type: (Any, Dict[str, Any], Any) -> LineProfiler
        """Execute a statement with the profiler on; returns the profiler."""
        if isinstance(cmd, str):  # exec would hand on this module's __future__ imports
            cmd = compile(cmd, "<string>", "exec", dont_inherit=True)
        self.enable_by_count()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable_by_count()
        return self

    def reports(self) -> List[Report]:
        """What was measured, as data, in order of registration."""
        from . import _report

        code_map = self.code_map
        peaks = self._peaks()
        return [
            _report.build(code, linenos, code_map[code], peaks.get(id(code_map[code]), {}))
            for _, code, linenos in code_map._toplevel
            if code_map[code]
        ]

    def _peaks(self) -> Dict[int, Dict[int, float]]:
        """id of inner dict -> {line: MiB}"""
        peaks: Dict[int, Dict[int, float]] = {}
        for top, booked in list(self._tops.values()):
            inner = peaks.setdefault(id(_inner(self._map, booked)), {})
            for line, peak in _figures.peaks(self._recorder.rows(top)).items():
                inner[line] = max(peak, inner.get(line, 0.0))
        return peaks

    # -- on and off --------------------------------------------------------------------------------

    def enable_by_count(self):
        # type: () -> None
        """Turn the profiler on; nests."""
        if self.enable_count == 0:
            self.enable()
        else:
            self._recorder.start()  # before 3.12 each thread needs its own
        self.enable_count += 1

    def disable_by_count(self):
        # type: () -> None
        """Undo one enable_by_count."""
        if self.enable_count > 0:
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()
            else:
                self._recorder.stop()

    def __enter__(self):
        # type: () -> LineProfiler
        self.enable_by_count()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        # type: (Any, Any, Any) -> None
        self.disable_by_count()

    def enable(self):
        # type: () -> None
        """Turn the profiler on; does not nest."""
        if not self._on:
            self._on = True
            self._register()
            self._recorder.start()

    def disable(self):
        # type: () -> None
        """Turn the profiler off; functions that it wrapped go on being measured."""
        if self._on:
            self._on = False
            self._recorder.stop()
            self._flush()

    # -- for tracers of one's own ------------------------------------------------------------------

    def trace_memory_usage(self, frame, event, arg):
        # type: (FrameType, str, Any) -> Any
        """A trace function in Python, for sys.settrace; the profiler itself does not need it."""
        code = frame.f_code
        if code in self._map:
            if event == "call":
                self.prevlines.append(frame.f_lineno)
            elif event == "line":
                self._map.trace(code, self.prevlines[-1], self.prev_lineno)
                self.prev_lineno = self.prevlines[-1]
                self.prevlines[-1] = frame.f_lineno
            elif event == "return":
                line = self.prevlines.pop()
                self._map.trace(code, line, self.prev_lineno)
                self.prev_lineno = line
        return self.trace_memory_usage

    def trace_max_mem(self, frame, event, arg):
        # type: (FrameType, str, Any) -> Any
        """A trace function in Python that enters the debugger at max_mem."""
        if event in ("line", "return") and frame.f_code in self._map:
            memory = _get_memory(-1, self.backend)
            if memory >= self.max_mem:
                return _debugger.enter(frame, memory, self.max_mem)
        return self.trace_max_mem

    def _stop_here(self, frame: FrameType, size_bytes: int) -> None:
        if self._stopped:
            return  # once is enough: from there on the debugger has the frame
        self._stopped = True
        _debugger.enter(frame, size_bytes / _figures.MIB, self.max_mem)


def _inner(code_map: Any, code: CodeType) -> Optional[Inner]:
    try:
        inner: Inner = code_map[code]
    except KeyError:
        return None
    return inner


def _twin(function: types.FunctionType) -> types.FunctionType:
    """A second function with the same code, cells and attributes."""
    twin = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__qualname__ = function.__qualname__
    twin.__module__ = function.__module__
    twin.__doc__ = function.__doc__
    twin.__annotations__ = function.__annotations__
    if sys.version_info >= (3, 12):
        twin.__type_params__ = function.__type_params__
    twin.__dict__.update(function.__dict__)
    return twin

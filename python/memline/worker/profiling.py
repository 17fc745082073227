"""`--profile`: every function of the user's, line by line, without an edit.

Off unless asked for: only then is memline's extension loaded. One recorder holds the code of all
functions below the app's root; when the outermost of them ends (an invocation's function, as a rule) the
lines of all that ran are sent as log records, before the result. They carry the same figures three
times: as text that the published log query reads, as fields, and as an aligned line for people.
"""

import gc
import os
import sys
from types import CodeType, FunctionType
from typing import Any, Callable, Dict, Iterator, List

from . import errors, heap, logs
from .frames import Channel
from .host import Host

_LOGGER = "memory_profiler_logs"  # the name that the published query looks for
_NOT_THE_USERS = ("site-packages", "dist-packages", ".python_packages", "node_modules")

_profiler: "List[Profiler]" = []  # one, or none


def start(mode: str, host: Host) -> List[str]:
    """Profile everything of the user's that is loaded now. Returns notices for the console."""
    if mode == "off":
        return []
    try:
        if mode != "line":
            heap.start(mode, host)
        if mode == "sample":  # lines are found by the samples: none is watched
            return []
        profiler = Profiler(host)
    except (ImportError, OSError) as e:
        return [
            f"Cannot profile line by line: {errors.message(e)}. "
            f"Try: {sys.executable} -m pip install memline=={_version()}"
        ]
    profiler.add_functions()
    _profiler.append(profiler)
    return []


def ended() -> None:
    """An invocation has ended: a point for the forecast of the memory limit, and a look at it."""
    if _profiler:
        _profiler[0].core.limit_run_ended()
        _profiler[0].core.limit_look()


def _version() -> str:
    from . import VERSION

    return VERSION


def entry(call: Callable[..., Any]) -> Callable[..., Any]:
    """What to call in place of a function of the app."""
    return _profiler[0].entry(call) if _profiler else call


class Profiler:
    def __init__(self, host: Host) -> None:
        from memline import _core, _limits, _wrap
        from memline.dropin import _figures, _source, _table

        self.core = _core
        _limits.to_log = True
        _core.limit_watch(_limits.on_crossing)
        self._root = host.root + os.sep
        self._wrap, self._figures, self._source, self._table = _wrap, _figures, _source, _table
        self._stream = _make_stream(host.channel)
        self._recorder = _core.Recorder(meter="rss", per_call=True, on_call=self._report)
        self._lines: Dict[CodeType, range] = {}  # of each measured function's source
        self._modules = 0  # length of sys.modules when functions were looked for last
        self._entries: Dict[Callable[..., Any], Callable[..., Any]] = {}

    def entry(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """On 3.8-3.11 lines are seen only under a wrapper; everywhere, new modules are noticed here."""
        if len(sys.modules) != self._modules:
            self.add_functions()
        wrapped = self._entries.get(call)
        if wrapped is None:
            plain = call if isinstance(call, FunctionType) else _function(call)
            wrapped = self._wrap.traced(plain)
            self._entries[call] = wrapped
        return wrapped

    def add_functions(self) -> None:
        """Measure every function of the user's that exists and is not measured yet.

        Whatever hides it (a decorator's closure, a class, a registry), the collector knows it."""
        self._modules = len(sys.modules)
        found = [f for f in gc.get_objects() if type(f) is FunctionType and self._is_users(f)]
        inner = {id(c) for f in found for c in _nested(f.__code__)}
        for function in found:
            code = function.__code__
            if id(code) in inner or code in self._lines:
                continue
            self._source.remember(code, function.__globals__)
            self._recorder.add(code, always=True)
            self._wrap.add_nested(self._recorder, code, code, True)
            self._lines[code] = self._source.line_range(code)

    def _is_users(self, function: FunctionType) -> bool:
        name = function.__code__.co_filename
        return name.startswith(self._root) and not any(part in name for part in _NOT_THE_USERS)

    def _report(self, call: Any) -> None:
        for code, begun, rows in sorted(call, key=_place):
            figures = self._figures.figures(code, begun, rows)
            if figures:
                self._table.write(
                    self._source.printed_name(code),
                    ((line, figures.get(line)) for line in self._lines[code]),
                    stream=self._stream,
                    function=getattr(code, "co_qualname", code.co_name),
                )


def _function(call: Callable[..., Any]) -> FunctionType:
    """A plain function that calls what is none: a bound method, a callable object."""

    def function(**arguments: Any) -> Any:
        return call(**arguments)

    assert isinstance(function, FunctionType)
    return function


def _place(measured: Any) -> Any:
    code = measured[0]
    return code.co_filename, code.co_firstlineno


def _nested(code: CodeType) -> Iterator[CodeType]:
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield item
            yield from _nested(item)


def _make_stream(channel: Channel) -> Any:
    from memline.dropin._logfile import LogFile

    class Stream(LogFile):
        """Sends each line of a report as a record of its own, past the formatters of user code."""

        def write(self, msg: Any, level: int = 20) -> int:
            attributes = msg.attributes()
            if msg.fields["kind"] not in ("rule", "end"):
                logs.send_line(
                    channel,
                    _LOGGER,
                    level,
                    f"{_LOGGER}: {msg}",
                    console=attributes["memline_console"],
                    fields=attributes["memline_fields"],
                )
            return len(msg)

    return Stream(_LOGGER)

"""profile: the decorator that writes a report after each outermost call."""

from __future__ import annotations

from .. import _wrap
from . import _figures, _meter, _source, _table, _timestamper, _tracing
from ._usage import choose_backend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any, List, Optional

    from ._report import Call, Report


def profile(func=None, stream=None, precision=1, backend="psutil", *, include_children=False):
    # type: (Any, Any, int, str, bool) -> Any
    """Decorate a function (method, class, ...) to report its lines' memory after each call.

    The report goes to stream, by default sys.stdout as it is when the call ends, and is written
    however the call ends. Recursive calls are part of the outermost one. precision: digits after
    the point. include_children adds the memory of all descendants to every reading.
    """
    if func is None:
        return lambda function: profile(
            function, stream, precision, backend, include_children=include_children
        )
    backend = choose_backend(backend)

    def measured(function: FunctionType) -> Any:
        code = function.__code__
        _source.remember(code, function.__globals__)
        recorder = _meter.recorder(
            backend, include_children, per_call=True, on_call=_Reporter(stream, precision)
        )
        wrapped = _wrap.instrument(function, recorder)
        if backend == "tracemalloc":
            _tracing.hold_while_alive(wrapped)
        return _timestamper.also(wrapped)

    return _wrap.decorate(func, measured, profile)


class _Reporter:
    """Writes the report of a call; keeps the last call's figures for last_report()."""

    def __init__(self, stream: Any, precision: int) -> None:
        self.stream = stream
        self.precision = precision
        self.lines: Optional[range] = None  # of the function's source, once it has been read

    def __call__(self, call: Call) -> None:
        global _last
        _last = call
        for code, entry, rows in call:
            figures = _figures.figures(code, entry, rows)
            if not figures or entry is None:
                continue  # an inner function, called after its function had ended
            if self.lines is None:
                self.lines = _source.line_range(code)
            _table.write(
                _source.printed_name(code),
                ((line, figures.get(line)) for line in self.lines),
                stream=self.stream,
                precision=self.precision,
                function=getattr(code, "co_qualname", code.co_name),
            )


_last: Call = []


def last_report() -> List[Report]:
    """The last report that `profile` wrote in this process, as data (a list, empty before)."""
    from . import _report

    return _report.of_call(_last)

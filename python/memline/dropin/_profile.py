"""profile: the decorator that writes a report after each outermost call."""

from __future__ import annotations

from types import FunctionType
from weakref import WeakKeyDictionary

from .. import _wrap
from . import _figures, _meter, _source, _table, _timestamper, _tracing
from ._usage import choose_backend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, List, Optional, Tuple

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
    settings = (backend, bool(include_children))
    known = _known(func, settings)
    if known is not None and (_wrap.MONITORING or func.__code__ is not known.code):
        # Decorated before, alike: the latest stream and precision hold.
        known.stream, known.precision = stream, precision
        return func

    def measured(function: FunctionType) -> Any:
        reporter = _known(function, settings)
        if reporter is not None:
            reporter.stream, reporter.precision = stream, precision
            wrapped = _wrap.traced(function)
        else:
            reporter = _Reporter(stream, precision, settings)
            _source.remember(function.__code__, function.__globals__)
            recorder = _meter.recorder(backend, include_children, per_call=True, on_call=reporter)
            wrapped = _wrap.instrument(function, recorder)
            reporter.code = function.__code__
            # Now, so that no report takes memory of its own on a line that is being measured.
            reporter.lines = _source.line_range(function.__code__)
            if function in _reporters:
                _reporters[function].replaced = True  # the latest decoration reports
            _reporters[function] = reporter
            if backend == "tracemalloc":
                _tracing.hold_while_alive(function)
        _reporters[wrapped] = reporter
        return _timestamper.also(wrapped)

    return _wrap.decorate(func, measured, _EVERY_TIME)


class _Reporter:
    """Writes the report of a call; keeps the last call's figures for last_report()."""

    def __init__(self, stream: Any, precision: int, settings: Tuple[str, bool]) -> None:
        self.stream = stream
        self.precision = precision
        self.settings = settings
        self.code: Optional[CodeType] = None  # what is measured
        self.lines = range(0)  # of the function's source
        self.replaced = False  # by a later decoration with another backend

    def __call__(self, call: Call) -> None:
        global _last
        if self.replaced:
            return
        _last = call
        for code, entry, rows in call:
            figures = _figures.figures(code, entry, rows)
            if not figures or entry is None:
                continue  # an inner function, called after its function had ended
            _table.write(
                _source.printed_name(code),
                ((line, figures.get(line)) for line in self.lines),
                stream=self.stream,
                precision=self.precision,
                function=getattr(code, "co_qualname", code.co_name),
            )


# Functions that are measured, and the wrappers that they got (none on 3.12+).
_reporters: WeakKeyDictionary[Any, _Reporter] = WeakKeyDictionary()
# The key for _wrap.decorate that no function is ever known by: it is not hashable.
_EVERY_TIME: List[Any] = []


def _known(func: Any, settings: Tuple[str, bool]) -> Optional[_Reporter]:
    """What reports func's calls, if it is still measured, and as the settings say."""
    if not isinstance(func, FunctionType):
        return None
    reporter = _reporters.get(func)
    if reporter is None or reporter.settings != settings:
        return None
    measured = func if func.__code__ is reporter.code else getattr(func, "__wrapped__", None)
    return reporter if getattr(measured, "__code__", None) is reporter.code else None


_last: Call = []


def last_report() -> List[Report]:
    """The last report that `profile` wrote in this process, as data (a list, empty before)."""
    from . import _report

    return _report.of_call(_last)

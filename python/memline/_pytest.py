"""Measuring tests: each runs in a scope of its own, its fixtures do not.

Processes: alone, one plugin measures and reports; under xdist each worker measures and the controller
reports. Figures travel as the attribute `memline` of a test's last report.
"""

import functools
import gc
import inspect
import os
import sys
import tempfile
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest

from . import _pytest_baseline as baseline
from ._size import size

SMALL = (
    64 * 1024
)  # tests that take less are not looked at line by line, unless something asks for it
LINES = 3  # told of a test


def configure(config: Any) -> None:
    """Measure here unless this is xdist's controller; report unless it is a worker."""
    option = config.option
    if option.memline_update and not option.memline_baseline:
        raise pytest.UsageError("--memline-update needs --memline-baseline FILE")
    try:
        tolerance = baseline.parse_tolerance(option.memline_tolerance)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    worker = hasattr(config, "workerinput")
    controller = not worker and bool(getattr(option, "numprocesses", None))
    if not controller:
        config.pluginmanager.register(Measure(config), "memline-measure")
    if not worker:
        config.pluginmanager.register(Report(config, tolerance), "memline-report")


class Run:
    """One test's scope, from its function's first line to the end of its fixtures."""

    def __init__(self, item: Any, lines: bool) -> None:
        from . import _core

        self._core = _core
        self.item = item
        self.lines = lines  # always told line by line
        self.marks = limits_of(item)
        self.scope = 0
        self.passed = False
        self.all_lines: List[Dict[str, Any]] = []  # once it is closed
        self.figures: Dict[str, Any] = {}

    def enter(self) -> Any:
        if self.lines or "leak" in self.marks:
            gc.collect()  # the garbage of others is not this test's to free
        self.scope = self._core.scope_open("test", self.item.nodeid)
        return self._core.scope_enter(self.scope)

    def leave(self, token: Any) -> None:
        told = self._core.scope_read(self.scope)
        self._core.scope_exit(token)
        self.figures = {"peak": told["peak_bytes"], "net": told["net_bytes"]}

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function within the scope: of the same kind, so that plugins for async tests know it."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wait(*args: Any, **kw: Any) -> Any:
                token = self.enter()
                try:
                    return await function(*args, **kw)
                finally:
                    self.leave(token)

            return wait

        @functools.wraps(function)
        def call(*args: Any, **kw: Any) -> Any:
            token = self.enter()
            try:
                return function(*args, **kw)
            finally:
                self.leave(token)

        return call

    def top(self, key: str) -> List[Dict[str, Any]]:
        """The test's lines so far, largest first."""
        from . import _session

        rows = [row for row in _session.snapshot().scope_rows if row.scope == self.scope]
        rows.sort(key=lambda row: -int(getattr(row, key)))
        return baseline.name_lines(rows, str(self.item.config.rootpath))

    def close(self) -> None:
        """After the fixtures' end: what is held now was left behind."""
        if self.lines or "leak" in self.marks or self.figures.get("net", 0) >= SMALL:
            gc.collect()
        lines: List[Dict[str, Any]] = []
        if self.lines or "leak" in self.marks or self.figures.get("peak", 0) >= SMALL:
            lines = self.top("peak_bytes")
        told = self._core.scope_close(self.scope)
        self.figures.update(held=told["held_bytes"], alloc=told["alloc_bytes"])
        self.figures["top"] = lines[:LINES]
        self.all_lines = lines
        if self.lines:
            self.figures["lines"] = lines


def calls_its_function(item: Any) -> bool:
    """Not so a doctest, a test of another plugin's kind, or a unittest.TestCase, which calls it itself."""
    kinds = [kind.__name__ for kind in type(item).__mro__]
    return isinstance(item, pytest.Function) and "TestCaseFunction" not in kinds


def limits_of(item: Any) -> Dict[str, Tuple[str, int]]:
    """{"limit": (its text, bytes), "leak": ...} of the nearest markers."""
    from . import _core

    found: Dict[str, Tuple[str, int]] = {}
    for mark in item.iter_markers("memline"):
        wrong = set(mark.kwargs) - {"limit", "leak"}
        if mark.args or wrong:
            raise pytest.UsageError(f"{item.nodeid}: memline takes limit= and leak=, nothing else")
        for name, value in mark.kwargs.items():
            size = value if isinstance(value, int) else _core.size_parse(str(value))
            if size is None or size < 0:
                raise pytest.UsageError(
                    f"{item.nodeid}: {name}={value!r} is no size; such are '10 MB' and '64KiB'"
                )
            found.setdefault(name, (str(value), size))
    return found


class Measure:
    """In the process that runs tests."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.lines = bool(config.option.memline_baseline)
        self.runs: Dict[Any, Run] = {}
        self.book: Optional[str] = None

    def pytest_sessionstart(self) -> None:
        from . import _core, _session
        from ._config import Settings, project_settings

        if _core.book_path() is None:
            handle, self.book = tempfile.mkstemp(prefix="memline-pytest-", suffix=".book")
            os.close(handle)
            settings = Settings(**project_settings(str(self.config.rootpath)))
            _session.configure(settings._replace(mode="heap", report=False, output=self.book))
        _session.enable(roots=[str(self.config.rootpath)])

    def pytest_unconfigure(self) -> None:
        if self.book is None:
            return
        from . import _core, _session

        _session.disable()
        _core.book_close(discard=True)

    def pytest_collection_modifyitems(self, items: List[Any]) -> None:
        for item in items:
            limits_of(item)  # wrong ones are told before anything runs

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: Any) -> Iterator[None]:
        run = self.runs[item] = Run(item, self.lines)
        if not calls_its_function(item):
            token = run.enter()
            yield
            run.leave(token)
            return
        function = item.obj
        item.obj = run.around(function)
        yield
        item.obj = function

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        outcome: Any = yield
        report = outcome.get_result()
        run = self.runs.get(item)
        if run is None or run.scope == 0:
            return
        if report.when == "call":
            run.passed = report.passed
            self._check(run, report, "limit", "peak", "rose by")
        elif report.when == "teardown":
            del self.runs[item]
            item.funcargs = {}  # pytest lets go of the fixtures' values right after this report
            run.close()
            report.memline = {"test": item.nodeid, **run.figures}
            if run.passed:
                self._check(run, report, "leak", "held", "left behind")

    def _check(self, run: Run, report: Any, mark: str, figure: str, words: str) -> None:
        text, most = run.marks.get(mark, ("", sys.maxsize))
        value = run.figures.get(figure, 0)
        if not report.passed or value <= most:
            return
        lines = run.all_lines or run.top("peak_bytes")
        lines = sorted((x for x in lines if x[figure] > 0), key=lambda x: -int(x[figure]))
        report.outcome = "failed"
        report.longrepr = "\n".join(
            [
                f"memline: {run.item.nodeid} {words} {size(value)}, more than its {mark} of {text}",
                *("  " + line_text(line, figure) for line in lines[:LINES]),
            ]
        )


def line_text(line: Dict[str, Any], figure: str) -> str:
    place = f"{line['file']}:{line['line']} {line['function']}"
    return f"{figure} {size(line[figure])}  {place}  {line['text']}"


class Report:
    """In the process that talks to people."""

    def __init__(self, config: Any, tolerance: "baseline.Tolerance") -> None:
        self.config = config
        self.tolerance = tolerance
        self.tests: Dict[str, Dict[str, Any]] = {}
        self.growth: List[str] = []
        self.notes: List[str] = []
        self.file: Optional[str] = None
        self.before: Dict[str, Any] = {}
        if config.option.memline_baseline:
            self.file = os.path.join(
                str(config.invocation_params.dir), config.option.memline_baseline
            )
            self._read(self.file)

    def _read(self, file: str) -> None:
        try:
            self.before = baseline.read(file)
        except FileNotFoundError:
            if not self.config.option.memline_update:
                raise pytest.UsageError(
                    f"baseline '{file}' does not exist; write it with --memline-update"
                ) from None
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"cannot read baseline '{file}': {error}") from None

    def pytest_runtest_logreport(self, report: Any) -> None:
        told = getattr(report, "memline", None)
        if told is not None:
            self.tests[told["test"]] = told

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        if self.file is None:
            return
        if self.config.option.memline_update:
            baseline.write(self.file, self.before, self.tests)
            self.notes.append(f"baseline written: {self.file}")
            return
        self.growth = baseline.compare(self.before, self.tests, self.tolerance)
        self.notes.extend(baseline.notes(self.before, self.tests))
        if self.growth and session.exitstatus == 0:
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        write = terminalreporter.write_line
        if self.tests and self.config.option.memline:
            terminalreporter.section("memline: memory of tests")
            for line in self._table():
                write(line)
        if self.growth:
            terminalreporter.section("memline: lines that grew", red=True)
            for line in self.growth:
                write(line)
        for note in self.notes:
            write(f"memline: {note}")

    def _table(self) -> Iterator[str]:
        most = self.config.option.memline_top
        tests = sorted(self.tests.values(), key=lambda t: (-int(t.get("peak", 0)), t["test"]))
        yield f"{'Peak':>10}  {'Net':>10}  {'Held':>10}  Test"
        for test in tests[:most]:
            figures = "  ".join(
                f"{size(test.get(name, 0)):>10}" for name in ("peak", "net", "held")
            )
            yield f"{figures}  {test['test']}"
            for line in test["top"]:
                if line["peak"] * 10 >= test["peak"]:
                    yield f"{'':>36}{line_text(line, 'peak')}"
        if len(tests) > most:
            yield f"{len(tests) - most} more tests"

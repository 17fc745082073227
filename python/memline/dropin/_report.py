"""Reports as data: what the table shows, and the peak of each line beside it."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from . import _figures, _source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from .._core import Entry, Row
    from ._figures import Figure

    Call = List[Tuple[CodeType, Entry, List[Row]]]


class LineFigures(NamedTuple):
    """One line of a function. Sizes in MiB; the figures of a line that never ran are None.

    peak: highest rise of memory within one execution, where the backend can tell (tracemalloc).
    """

    line: int
    memory: Optional[float]
    increment: Optional[float]
    occurrences: Optional[int]
    peak: Optional[float]
    contents: str


class Report:
    """The line report of one function."""

    def __init__(self, filename: str, function: str, rows: List[LineFigures]) -> None:
        self.filename = filename
        self.function = function
        self.rows = rows

    def __repr__(self) -> str:
        return f"<Report of {self.function or '?'} in {self.filename}, {len(self.rows)} lines>"

    def __getitem__(self, line: int) -> LineFigures:
        for row in self.rows:
            if row.line == line:
                return row
        raise KeyError(line)

    def to_dict(self) -> Dict[str, Any]:
        """The report as plain dicts, lists, strings and numbers."""
        return {
            "file": self.filename,
            "function": self.function,
            "lines": [
                {
                    "line": row.line,
                    "memory_mib": row.memory,
                    "increment_mib": row.increment,
                    "occurrences": row.occurrences,
                    "peak_mib": row.peak,
                    "contents": row.contents,
                }
                for row in self.rows
            ],
        }


def of_call(call: Call) -> List[Report]:
    """The reports of one outermost call."""
    return [
        build(
            code,
            _source.line_range(code),
            _figures.figures(code, entry, rows),
            _figures.peaks(rows),
        )
        for code, entry, rows in call
    ]


def build(
    code: CodeType,
    lines: Iterable[int],
    figures: Dict[int, Figure],
    peaks: Dict[int, float],
) -> Report:
    """The report of a top-level code object."""
    filename = _source.printed_name(code)
    source = _source.lines(filename)
    result = []
    for line in lines:
        increment, memory, occurrences = figures.get(line, (None, None, None))
        contents = source[line - 1].rstrip("\n") if 0 < line <= len(source) else ""
        row = LineFigures(line, memory, increment, occurrences, peaks.get(line), contents)
        result.append(row)
    return Report(filename, getattr(code, "co_qualname", code.co_name), result)

"""The figures of a run as plain objects."""

import linecache
from typing import Any, Dict, Iterator, List, NamedTuple


class Row(NamedTuple):
    """One source line that ran.

    hits: times the interpreter started it. rss_net_bytes: resident memory after minus before, summed over
    its executions, callees included. rss_max_bytes: highest resident memory at the end of one.
    """

    file: str
    function: str
    line: int
    hits: int
    rss_net_bytes: int
    rss_max_bytes: int

    @property
    def source(self) -> str:
        """The line's text without its newline; empty if the file cannot be read."""
        return linecache.getline(self.file, self.line).rstrip("\n")


class Function(NamedTuple):
    """A function with at least one row; rows by line."""

    file: str
    name: str
    first_line: int
    last_line: int
    rows: List[Row]


class Snapshot:
    """An immutable copy of the figures, sorted by file, function and line.

    ``pandas.DataFrame(snapshot.rows)`` gives a table with one column per field.
    """

    def __init__(self, figures: Dict[str, Any]) -> None:
        self._figures = figures
        self.functions = [_function(f) for f in figures["functions"]]
        self.rows = [row for function in self.functions for row in function.rows]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<memline.Snapshot: {len(self.rows)} lines of {len(self.functions)} functions>"

    def top(self, n: int = 10, key: str = "rss_net_bytes") -> List[Row]:
        """The n rows with the largest value of the field `key`, largest first."""
        return sorted(self.rows, key=lambda row: getattr(row, key), reverse=True)[:n]

    def line(self, file: str, line: int) -> List[Row]:
        """Rows of one line; `file` may be the end of the path (``"app.py"``)."""
        return [
            row
            for row in self.rows
            if row.line == line and (row.file == file or row.file.endswith("/" + file))
        ]

    def to_dict(self) -> Dict[str, Any]:
        """Plain dicts, lists, strings and ints: ready for json.dumps."""
        functions = [
            {**function._asdict(), "rows": [row._asdict() for row in function.rows]}
            for function in self.functions
        ]
        return {**self._figures, "functions": functions}


def _function(figures: Dict[str, Any]) -> Function:
    file, name = figures["file"], figures["name"]
    rows = [Row(file, name, *row) for row in figures["rows"]]
    return Function(file, name, figures["first_line"], figures["last_line"], rows)

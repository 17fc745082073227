"""The figures of a run as plain objects."""

import linecache
from typing import Any, Dict, Iterator, List, NamedTuple, Optional


class Row(NamedTuple):
    """One source line that ran. Bytes; of the heap those that were asked for.

    hits: times the interpreter started it; order: rank of the first among all lines, from 1.
    rss_net_bytes: resident memory after minus before, summed over its executions, callees included.
    rss_max_bytes: highest resident memory at the end of one.

    Of the heap (0 in line mode; in sample mode estimates): net_bytes: allocated minus freed while it ran,
    callees included, in its thread; own_net_bytes: without callees that have rows of their own.
    peak_bytes: highest rise within one execution. alloc_bytes, alloc_count: what it allocated, itself
    or through callees that have no rows. freed_bytes, freed_count: of that, freed since, wherever.
    held_bytes: still alive. map_bytes, map_file_bytes: memory and files it mapped, still mapped.
    """

    file: str
    function: str
    line: int
    hits: int
    rss_net_bytes: int
    rss_max_bytes: int
    net_bytes: int = 0
    own_net_bytes: int = 0
    peak_bytes: int = 0
    alloc_bytes: int = 0
    alloc_count: int = 0
    freed_bytes: int = 0
    freed_count: int = 0
    held_bytes: int = 0
    map_bytes: int = 0
    map_file_bytes: int = 0
    order: int = 0

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


class ScopeRow(NamedTuple):
    """A line's figures in one scope; bytes."""

    file: str
    function: str
    line: int
    scope: int
    hits: int
    net_bytes: int
    peak_bytes: int
    alloc_bytes: int
    held_bytes: int


class Scope(NamedTuple):
    """A request, a task, an invocation. Times in ns since 1970; end_ns 0: open. Bytes.

    net_bytes, peak_bytes: allocated minus freed while the code was in it, and the highest of that.
    alloc_bytes, held_bytes: what its lines allocated, and of that what was alive at its end.
    """

    id: int
    parent: int
    name: str
    key: str
    begin_ns: int
    end_ns: int
    net_bytes: int
    peak_bytes: int
    alloc_bytes: int
    held_bytes: int


class Snapshot:
    """An immutable copy of the figures, sorted by file, function and line.

    ``pandas.DataFrame(snapshot.rows)`` gives a table with one column per field.
    """

    def __init__(self, figures: Dict[str, Any]) -> None:
        self._figures = figures
        self.functions = [_function(f) for f in figures["functions"]]
        self.rows = [row for function in self.functions for row in function.rows]
        self.heap: Optional[Dict[str, Any]] = figures.get("heap")
        self.scopes = [Scope(*row) for row in figures.get("scopes", ())]
        self.scope_rows = [
            ScopeRow(self.functions[f].file, self.functions[f].name, *rest)
            for f, *rest in figures.get("places", ())
        ]

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

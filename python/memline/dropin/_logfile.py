"""LogFile: a file-like object that turns each write into a log record.

A line report comes as Messages, text that carries its figures. Each becomes a record with these
attributes, as with `extra=`:

    memline_kind            "file", "header", "rule", "row" or "end"
    memline_file            the file as the report names it
    memline_function        qualified name of the function, "" if not known
    memline_line            line number                 (rows only, as all below)
    memline_contents        the source line, without its newline
    memline_mem_mib         highest memory at the end of the line, MiB     (measured rows only)
    memline_increment_mib   what the line's executions added, MiB, unrounded
    memline_occurrences     times the line ran
    memline_console         the same line, aligned for people; "" where nothing need be shown
    memline_fields          the above as texts, under the column names of the published log query:
                            FileName, FunctionName, LineNumber, TotalMem_MiB, IncreMem_MiB,
                            Occurrences, Contents
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable

_COLUMNS = (
    ("file", "FileName"),
    ("function", "FunctionName"),
    ("line", "LineNumber"),
    ("mem_mib", "TotalMem_MiB"),
    ("increment_mib", "IncreMem_MiB"),
    ("occurrences", "Occurrences"),
    ("contents", "Contents"),
)


class Message(str):
    """Text of a report with its figures; grew: it is a row whose printed increment is positive."""

    grew: bool
    fields: Dict[str, Any]

    def __new__(cls, text: str, *, grew: bool = False, **fields: Any) -> Message:
        message = super().__new__(cls, text)
        message.grew = grew
        message.fields = fields
        return message

    def attributes(self) -> Dict[str, Any]:
        """The attributes of its record."""
        result = {"memline_" + key: value for key, value in self.fields.items()}
        result.setdefault("memline_console", str(self))
        result["memline_fields"] = {
            name: _text(self.fields[key])
            for key, name in _COLUMNS
            if self.fields.get(key, "") != ""
        }
        return result


def _text(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


class LogFile:
    """A text stream whose writes go to logging.getLogger(name), one record for each.

    With reportIncrementFlag only the parts of a report that tell of growth pass: the file's name,
    the header, and rows whose increment, as printed, is above zero.
    """

    encoding = "utf-8"
    errors = "strict"
    newlines = None
    closed = False
    mode = "w"

    def __init__(self, name=None, reportIncrementFlag=False):
        # type: (Any, bool) -> None
        import logging

        self.logger = logging.getLogger(name)
        self.name = name
        self.reportIncrementFlag = reportIncrementFlag

    def write(self, msg, level=20):
        # type: (str, int) -> int
        """Log msg, unchanged, at level (default logging.INFO), unless the filter drops it."""
        if isinstance(msg, Message):
            if not self.reportIncrementFlag or msg.grew or msg.fields["kind"] in ("file", "header"):
                self.logger.log(level, str(msg), extra=msg.attributes())
        elif not self.reportIncrementFlag or _tells_growth(msg):
            self.logger.log(level, msg)
        return len(msg)

    def writelines(self, lines: Iterable[str]) -> None:
        """Log each line."""
        for line in lines:
            self.write(line)

    def flush(self):
        # type: () -> None
        """Flush the logger's own handlers."""
        for handler in self.logger.handlers:
            handler.flush()

    def close(self) -> None:
        """Nothing to close: the logger stays."""

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def readable(self) -> bool:
        """Written only."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never."""
        return False

    def fileno(self) -> int:
        """There is no descriptor: raises io.UnsupportedOperation."""
        import io

        raise io.UnsupportedOperation("fileno")


def _tells_growth(text: str) -> bool:
    """Filter for text of reports that others wrote: recognised by the layout of rows, only."""
    from . import _reader

    if _reader.is_file(text) or _reader.is_header(text):
        return True
    row = _reader.MEASURED.match(text)
    return row is not None and float(row["increment"]) > 0

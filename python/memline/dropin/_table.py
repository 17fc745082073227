"""The text of a line report, byte for byte that of memory_profiler 0.61.

    Filename: app.py

    Line #    Mem usage    Increment  Occurrences   Line Contents
    =============================================================
        12     46.5 MiB     46.5 MiB           1   @profile

`Occurrences` is a letter wider than its field, so the header's last column stands one to the right
of the rows'. A number wider than its field moves the rest of its row; nothing is ever clipped.

A LogFile gets another form of the same report: exactly two blanks between fields and no padding,
one message for each line, without the newline, its figures attached (see _logfile.py).
"""

from __future__ import annotations

import _thread
import os
import sys

from . import _source
from ._logfile import LogFile, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Tuple

    from ._figures import Figure

    Measures = Iterable[Tuple[int, Optional[Figure]]]

ROW = "{0:>6} {1:>12} {2:>12}  {3:>10}   {4:<}"
HEADINGS = ("Occurrences", "Occurences")  # 0.59 and later; 0.58 only, and Microsoft's page

_heading = HEADINGS[os.environ.get("MEMLINE_HEADING") == HEADINGS[1]]

# One report at a time. A thread that cannot have its turn writes all the same: a stream that waits
# for another thread's report must not hang the program.
_turn: Any = _thread.RLock()  # type: ignore[attr-defined]  # the stubs lack it
_PATIENCE_S = 1.0


def _new_turn() -> None:
    global _turn
    _turn = _thread.RLock()  # type: ignore[attr-defined]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_turn)


def use_heading(word):
    # type: (str) -> None
    """Spell the fourth column `Occurrences` (the default) or `Occurences`, as 0.58 did.

    The environment variable MEMLINE_HEADING does the same. Raises ValueError for other words.
    """
    global _heading
    if word not in HEADINGS:
        raise ValueError("the heading is one of {}, not {!r}".format(" and ".join(HEADINGS), word))
    _heading = word


def show_results(prof, stream=None, precision=1):
    # type: (Any, Any, int) -> None
    """Write the report of every function in prof.code_map to stream, by default sys.stdout."""
    for filename, measures in prof.code_map.items():
        write(filename, measures, stream=stream, precision=precision)


def write(
    filename: str,
    measures: Measures,
    *,
    stream: Any = None,
    precision: int = 1,
    function: str = "",
) -> None:
    """Write the report of one function to stream, by default sys.stdout as it is now."""
    if stream is None:
        stream = sys.stdout
    if stream is None:
        return  # a process without standard streams
    turn = _turn
    taken = turn.acquire(timeout=_PATIENCE_S)
    try:
        if isinstance(stream, LogFile):
            _log(stream, filename, measures, precision, function)
        else:
            _print(stream, filename, measures, precision)
    finally:
        if taken:
            turn.release()


def _print(stream: Any, filename: str, measures: Measures, precision: int) -> None:
    header = ROW.format("Line #", "Mem usage", "Increment", _heading, "Line Contents")
    _put(stream, "Filename: " + filename + "\n\n")
    _put(stream, header + "\n")
    _put(stream, "=" * len(header) + "\n")
    source = _source.lines(filename)
    for line, figure in measures:
        _put(stream, _row(line, figure, precision, _contents(source, line)) + "\n")
    _put(stream, "\n\n")


def _put(stream: Any, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # source that the terminal's encoding does not have
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _row(line: int, figure: Optional[Figure], precision: int, contents: str) -> str:
    if not figure:
        return ROW.format(line, "", "", "", contents)
    increment, memory, occurrences = figure
    width = precision + 4
    return ROW.format(
        line,
        f"{memory:{width}.{precision}f} MiB",
        f"{increment:{width}.{precision}f} MiB",
        occurrences,
        contents,
    )


def _contents(source: List[str], line: int) -> str:
    """A source line without its newline; empty if the file has no such line (any more)."""
    return source[line - 1].rstrip("\n") if 0 < line <= len(source) else ""


def _log(stream: LogFile, filename: str, measures: Measures, precision: int, function: str) -> None:
    header = ROW.format("Line #", "Mem usage", "Increment", _heading, "Line Contents")
    rule = "=" * len(header)
    names = ("Line #", "Mem usage", "Increment", _heading, "Line Contents")
    place: Dict[str, Any] = {"file": filename, "function": function}
    stream.write(Message("Filename: " + filename, kind="file", **place))
    shown = header + "\n" + rule  # what people see: the rule never passes the filter
    stream.write(Message("  ".join(names), kind="header", console=shown, **place))
    stream.write(Message(rule, kind="rule", console="", **place))
    source = _source.lines(filename)
    for line, figure in measures:
        stream.write(_log_row(line, figure, precision, _contents(source, line), place))
    stream.write(Message("", kind="end", console="", **place))


def _log_row(
    line: int, figure: Optional[Figure], precision: int, contents: str, place: Any
) -> Message:
    shown = _row(line, figure, precision, contents)
    fields = dict(place, kind="row", console=shown, line=line, contents=contents)
    if not figure:
        return Message("  ".join((str(line), "", "", "", contents)), **fields)
    memory = f"{figure[1]:.{precision}f} MiB"
    increment = f"{figure[0]:.{precision}f} MiB"
    return Message(
        "  ".join((str(line), memory, increment, str(figure[2]), contents)),
        grew=float(increment[:-4]) > 0,
        mem_mib=figure[1],
        increment_mib=figure[0],
        occurrences=figure[2],
        **fields,
    )

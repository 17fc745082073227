"""From the engine's byte counts to memory_profiler's figures.

A figure is the plain tuple (increment MiB, memory MiB, occurrences), keyed by line, in the order
in which the lines were first booked. The first row, the baseline, stands on the decorator or `def`
line: memory when the function was first entered, highest memory at any entry, calls. When the body
shares that line (a lambda), it is an ordinary row and there is no baseline.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Dict, Iterable, Optional, Tuple

    from .._core import Entry, Row

    Figure = Tuple[float, float, int]


MIB = 2.0**20


def figures(code: CodeType, entry: Optional[Entry], rows: Iterable[Row]) -> Dict[int, Figure]:
    """The figures of one top-level code object."""
    first = code.co_firstlineno
    result: Dict[int, Figure] = {}
    if entry is not None and entry[0]:
        calls, first_bytes, max_bytes = entry
        result[first] = (first_bytes / MIB, max_bytes / MIB, calls)
    for line, hits, net_bytes, max_bytes, _ in rows:
        result[line] = (net_bytes / MIB, max_bytes / MIB, hits)
    return result


def add(into: Dict[int, Figure], more: Dict[int, Figure], baseline: int) -> None:
    """Add the figures of one more copy of the same code; the row `baseline` is not summed."""
    for line, (increment, memory, occurrences) in more.items():
        old = into.get(line)
        if old is None:
            into[line] = (increment, memory, occurrences)
        else:
            total = old[0] if line == baseline else old[0] + increment
            into[line] = (total, max(old[1], memory), old[2] + occurrences)


def peaks(rows: Iterable[Row]) -> Dict[int, float]:
    """Highest rise within one execution of each line, MiB, where the meter can tell."""
    return {row[0]: row[4] / MIB for row in rows if row[4] > 0}

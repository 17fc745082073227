"""What is said when memory comes near its limit: to standard error or the log, and into the book."""

import gc
import json
import math
import sys
import time
from typing import Any, Dict, List, Optional

from . import _core
from ._snapshot import Row

LINES = 5  # told at a crossing

# A host of our code gets the warning as a record of its log instead of text on standard error.
to_log = False


def on_crossing(crossing: Dict[str, Any]) -> None:
    """Tell a threshold that was crossed (the dict of _core.limit_watch), with the lines that hold most."""
    was_on = gc.isenabled()
    gc.disable()  # what the program's garbage frees must be counted; we are not, now
    try:
        told = {**crossing, "at": time.time(), "lines": top_lines()}
        _keep(told)
        if to_log:
            _log(told)
        elif sys.stderr is not None:
            sys.stderr.write("".join(f"memline: {line}\n" for line in describe(told)))
            sys.stderr.flush()
    finally:
        if was_on:
            gc.enable()


def top_lines(n: int = LINES) -> List[Dict[str, Any]]:
    """The lines that hold most, largest first; without heap figures those that added most to the
    resident memory: of calls and the line that they led to, this line first."""
    from ._session import snapshot

    now = snapshot()
    key = "held_bytes" if now.heap else "rss_net_bytes"
    rows = now.top(len(now), key)
    least = max(1, getattr(rows[0], key) // 100) if rows else 0  # the rest explains nothing
    rows = [row for row in rows if getattr(row, key) >= least]
    if not now.heap:
        rows = _innermost_first(rows)
    return [_line(row, key) for row in rows[:n]]


def _innermost_first(rows: List[Row]) -> List[Row]:
    """Resident memory is booked to the callers' lines too. Where theirs is the same but for a
    hundredth, they added nothing themselves. A caller's line is started before what it calls."""
    ordered: List[Row] = []
    while rows:
        alike = [r for r in rows if r.rss_net_bytes >= 0.99 * rows[0].rss_net_bytes]
        ordered += sorted(alike, key=lambda r: r.order, reverse=True)
        rows = rows[len(alike) :]
    return ordered


def _line(row: Row, key: str) -> Dict[str, Any]:
    return {
        "file": row.file,
        "line": row.line,
        "function": row.function,
        "source": row.source.strip(),
        key: getattr(row, key),
    }


def describe(told: Dict[str, Any]) -> List[str]:
    """Lines for people."""
    share = 100 * told["use_bytes"] / told["limit_bytes"]
    where = f"{told['kind']} {told['where']}".strip()
    text = [
        f"memory is at {share:.0f} % of its limit: {_mib(told['use_bytes'])} of "
        f"{_mib(told['limit_bytes'])} ({where})"
    ]
    outlook = [part for part in (_rate(told["rate"]), _runs(told)) if part]
    if outlook:
        text.append("  " + "; ".join(outlook))
    for line in told["lines"]:
        held = "held_bytes" in line
        size = _mib(line["held_bytes"] if held else line["rss_net_bytes"])
        place = f"{line['file']}:{line['line']} {line['function']}"
        text.append(
            f"  {'held' if held else 'resident'} {size}  {place}  {line['source']}".rstrip()
        )
    return text


def _rate(rate: Any) -> Optional[str]:
    if rate is None or rate[0] <= 0:
        return None
    return f"rising by {_mib(rate[0])} a second"


def _runs(told: Dict[str, Any]) -> Optional[str]:
    """ "each invocation leaves 8.0 MiB: the limit is reached in about 3 more [3, 4]" """
    if told["runs_left"] is None:
        return None
    about, lo, hi = told["runs_left"]
    last = "no end" if math.isinf(hi) else str(math.ceil(hi))
    return (
        f"each invocation leaves {_mib(told['per_run'][0])}: the limit is reached in about "
        f"{math.ceil(about)} more [{math.ceil(lo)}, {last}]"
    )


def _mib(n: float) -> str:
    return f"{n / (1 << 20):.1f} MiB" if n >= 1 << 20 else f"{n / 1024:.1f} KiB"


def _finite(value: Any) -> Any:
    """For JSON, which has no infinity: null there."""
    if isinstance(value, tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and math.isinf(value) else value


def _keep(told: Dict[str, Any]) -> None:
    """As the book's fact "limit.80" and so on, so that it is there when the process is not."""
    if _core.book_path() is None:
        return
    fact = {name: _finite(value) for name, value in told.items()}
    try:
        _core.book_meta(f"limit.{told['percent']}", json.dumps(fact))
    except (OSError, MemoryError):
        pass  # a full book: the text is out anyway


def _log(told: Dict[str, Any]) -> None:
    import logging

    extra = {f"memline_{name}": _finite(v) for name, v in told.items() if name != "lines"}
    extra["memline_lines"] = json.dumps(told["lines"])
    logging.getLogger("memline").warning("%s", "\n".join(describe(told)), extra=extra)

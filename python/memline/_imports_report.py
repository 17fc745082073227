"""The import ledger as a tree, a list or JSON (docs/imports.md)."""

import json
import os
import sys
from typing import Any, Dict, Iterator, List, Tuple

from ._imports import Import, Ledger
from ._size import size


def write(ledger: Ledger, command: str, given: Dict[str, Any]) -> None:
    """To the file that was asked for, else to standard error. Trouble is told, never raised."""
    text = as_json(ledger, command) if given["json"] else as_table(ledger, command, given)
    try:
        if given["output"] == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        elif given["output"] is not None:
            with open(given["output"], "w", encoding="utf-8") as f:
                f.write(text)
        elif sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
    except OSError as error:
        sys.stderr.write(
            f"memline: cannot write '{given['output']}': {(error.strerror or '').lower()}\n"
        )
        os._exit(1)


def walk(entry: Import) -> Iterator[Import]:
    """The entry and all below it, in order."""
    stack = [entry]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(top.children))


def as_json(ledger: Ledger, command: str) -> str:
    rows = [
        {
            "order": e.order,
            "depth": e.depth,
            "parent": None if e.parent is None else e.parent.order,
            "module": e.module,
            "file": e.file,
            "line": e.line,
            "own_bytes": e.own,
            "cumulative_bytes": e.cumulative,
            "peak_bytes": e.peak,
            "failed": e.failed,
        }
        for e in walk(ledger.root)
    ]
    told = {"format": "memline-imports", "version": 1, "mode": ledger.mode, "command": command}
    return json.dumps({**told, "imports": rows}, indent=1) + "\n"


def place(entry: Import) -> str:
    """ "json/decoder.py:3": the file below the current folder, or below the nearest folder of sys.path."""
    file = entry.file
    if not file:
        return ""
    above = [folder for folder in [os.getcwd(), *sys.path] if file.startswith(folder + os.sep)]
    short = file[len(max(above, key=len)) + 1 :] if above else file
    return f"{short}:{entry.line}"


# rows of a table: (own, cumulative, peak, what, where)
Line = Tuple[int, int, int, str, str]


def line_of(entry: Import, indent: int) -> Line:
    name = entry.module + ("  (failed)" if entry.failed else "")
    return (entry.own, entry.cumulative, entry.peak, "  " * indent + name, place(entry))


def tree_lines(ledger: Ledger, least: int) -> Tuple[List[Line], List[Import]]:
    """Rows in order, and the entries left out: those that have less, themselves and all below them."""
    lines: List[Line] = []
    out: List[Import] = []
    for entry in walk(ledger.root):
        if entry is ledger.root or weight(entry) >= least:
            lines.append(line_of(entry, entry.depth))
        elif entry.parent is not None and (
            entry.parent is ledger.root or weight(entry.parent) >= least
        ):
            out.extend(walk(entry))
    return lines, out


def weight(entry: Import) -> int:
    """The largest figure of the entry or of any below it."""
    return max(max(abs(e.own), abs(e.cumulative), e.peak) for e in walk(entry))


def list_lines(ledger: Ledger, key: str, least: int) -> Tuple[List[Line], List[Import]]:
    entries = sorted(walk(ledger.root), key=lambda e: -int(getattr(e, key)))
    shown = [e for e in entries if getattr(e, key) >= least or e is ledger.root]
    return [line_of(e, 0) for e in shown], [e for e in entries if e not in shown]


def statement_lines(ledger: Ledger, least: int) -> Tuple[List[Line], List[Import]]:
    """Own: of all modules that the statement loads; cumulative: with what these import."""
    rows: Dict[Tuple[str, int], List[Any]] = {}
    for e in walk(ledger.root):
        if e is ledger.root:
            continue
        row = rows.setdefault((e.file, e.line), [0, 0, 0, [], e])
        row[0] += e.own
        outermost = e.parent is None or (e.parent.file, e.parent.line) != (e.file, e.line)
        row[1] += e.cumulative if outermost else 0
        row[2] = max(row[2], e.peak)
        row[3].append(e)
    lines: List[Line] = []
    out: List[Import] = []
    for own, cumulative, peak, entries, first in sorted(rows.values(), key=lambda r: -int(r[1])):
        if max(abs(cumulative), peak) < least:
            out.extend(entries)
            continue
        names = ", ".join(e.module for e in entries)
        short = names if len(names) <= 40 else names[:39] + "…"
        lines.append((own, cumulative, peak, short, place(first)))
    return lines, out


def as_table(ledger: Ledger, command: str, given: Dict[str, Any]) -> str:
    root = ledger.root
    count = sum(1 for _ in walk(root)) - 1
    least = given["min"]
    if least is None:
        least = max(0, root.cumulative, root.peak) // 200
    if given["by"] == "tree":
        lines, out = tree_lines(ledger, least)
    elif given["by"] == "statement":
        lines, out = statement_lines(ledger, least)
    else:
        lines, out = list_lines(ledger, given["by"], least)
    kind = "resident memory" if ledger.mode == "rss" else "heap"
    text = [
        f"{command}: {size(root.cumulative)} of {kind} kept, {count} import{'' if count == 1 else 's'}",
        "",
    ]
    heads = ("Own", "Cumulative", "Peak", "Import", "Statement")
    cells = [heads] + [(size(a), size(b), size(c), d, e) for a, b, c, d, e in lines]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    for row in cells:
        figures = "  ".join(row[i].rjust(widths[i]) for i in range(3))
        text.append(f"{figures}  {row[3].ljust(widths[3])}  {row[4]}".rstrip())
    if out:
        text.append("")
        own = size(sum(e.own for e in out))
        text.append(f"{len(out)} smaller not shown, {own} of their own; --min 0 shows all")
    return "\n".join(text) + "\n"

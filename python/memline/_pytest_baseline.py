"""A baseline: what each line took in each test, in a file that a repository keeps.

A line is known by its file, function and text, and by which of its like in the function it is: not by
its number, which changes with every edit above it.
"""

import json
import os
import sys
from typing import Any, Dict, List, NamedTuple, Tuple

from ._size import size

FIGURES = ("peak", "held", "alloc")
WORDS = {"peak": "rises by", "held": "leaves behind", "alloc": "allocates"}
LEAST = 1024  # lines that take less in all figures are not kept
MOST = 200  # lines of a test that are kept


class Tolerance(NamedTuple):
    share: float
    bytes: int

    def allows(self, before: int, now: int) -> bool:
        return now <= before + max(self.bytes, before * self.share)


def parse_tolerance(text: str) -> Tolerance:
    """ "10%+64KiB", "1 MB", or "5%" (with 64 KiB still: caches cost a little). Raises ValueError."""
    from . import _core

    share, size = 0.0, 64 * 1024
    for part in text.split("+"):
        part = part.strip()
        if part.endswith("%"):
            try:
                share = float(part[:-1]) / 100
                continue
            except ValueError:
                pass
        found = _core.size_parse(part)
        if found is None:
            raise ValueError(f"--memline-tolerance takes such as 10%+64KiB, not {text!r}")
        size = found
    return Tolerance(share, size)


# --- lines and their names ----------------------------------------------------------------------------


def name_lines(rows: List[Any], root: str) -> List[Dict[str, Any]]:
    """Scope rows as dicts, in their order; `ordinal` tells equal texts of a function apart."""
    import linecache

    lines = []
    for row in rows:
        text = " ".join(linecache.getline(row.file, row.line).split())
        file = row.file
        if file.startswith(root + os.sep):
            file = file[len(root) + 1 :]
        lines.append(
            {
                "file": file,
                "function": row.function,
                "line": row.line,
                "text": text,
                "ordinal": 0,
                "peak": row.peak_bytes,
                "held": row.held_bytes,
                "alloc": row.alloc_bytes,
                "path": row.file,
            }
        )
    _number(lines)
    for line in lines:
        del line["path"]
    return lines


def _number(lines: List[Dict[str, Any]]) -> None:
    """The ordinal counts lines of the file with that text, from the function's first measured line on
    up to the line itself: the same whichever of them ran."""
    import linecache

    seen: Dict[Tuple[str, str], List[int]] = {}
    for line in lines:
        name = (line["path"], line["text"])
        if name not in seen:
            seen[name] = [
                number
                for number, text in enumerate(linecache.getlines(line["path"]), 1)
                if " ".join(text.split()) == line["text"]
            ]
        if line["line"] in seen[name]:
            line["ordinal"] = seen[name].index(line["line"])


def key(line: Dict[str, Any]) -> str:
    return json.dumps([line["file"], line["function"], line["text"], line["ordinal"]])


# --- the file --------------------------------------------------------------------------------------------


def read(file: str) -> Dict[str, Any]:
    with open(file, encoding="utf-8") as f:
        told = json.load(f)
    if not isinstance(told, dict) or told.get("format") != "memline-baseline":
        raise ValueError("it is no baseline of memline")
    if told.get("version") != 1:
        raise ValueError(f"it has version {told.get('version')}, this memline reads 1")
    return told


def write(file: str, before: Dict[str, Any], tests: Dict[str, Dict[str, Any]]) -> None:
    """Tests that did not run keep what they had."""
    kept = dict(before.get("tests", {}))
    for name, test in tests.items():
        kept[name] = {figure: test.get(figure, 0) for figure in FIGURES}
        kept[name]["lines"] = {
            key(line): {figure: line[figure] for figure in FIGURES if line[figure] > 0}
            for line in test.get("lines", [])[:MOST]
            if max(line[figure] for figure in FIGURES) >= LEAST
        }
    told = {
        "format": "memline-baseline",
        "version": 1,
        "python": python(),
        "tests": {name: kept[name] for name in sorted(kept)},
    }
    beside = f"{file}.{os.getpid()}.part"
    with open(beside, "w", encoding="utf-8") as f:
        json.dump(told, f, indent=1, ensure_ascii=False)
        f.write("\n")
    os.replace(beside, file)


def python() -> str:
    return "{}.{}".format(*sys.version_info)


# --- comparing ------------------------------------------------------------------------------------------


def compare(
    before: Dict[str, Any], tests: Dict[str, Dict[str, Any]], tolerance: Tolerance
) -> List[str]:
    """What grew beyond tolerance, as lines for people; tests that the baseline lacks are not compared."""
    text: List[str] = []
    for name in sorted(tests):
        old = before.get("tests", {}).get(name)
        if old is None:
            continue
        grown = [
            line
            for now in tests[name].get("lines", [])
            for line in _compare_line(old["lines"].get(key(now), {}), now, tolerance)
        ]
        whole = [
            f"  the test {WORDS[figure]} {size(tests[name].get(figure, 0))}, was {size(old.get(figure, 0))}"
            for figure in ("peak", "held")
            if not tolerance.allows(old.get(figure, 0), tests[name].get(figure, 0))
        ]
        if grown or whole:
            text.extend([name, *grown, *whole])
    return text


def _compare_line(old: Dict[str, int], now: Dict[str, Any], tolerance: Tolerance) -> List[str]:
    grown = [
        f"{WORDS[figure]} {size(now[figure])}, was {size(old.get(figure, 0))}"
        for figure in FIGURES
        if not tolerance.allows(old.get(figure, 0), now[figure])
    ]
    if not grown:
        return []
    place = f"{now['file']}:{now['line']} {now['function']}"
    return [
        f"  {place}  {now['text']}{'' if old else '  (a new line)'}",
        *("      " + g for g in grown),
    ]


def notes(before: Dict[str, Any], tests: Dict[str, Dict[str, Any]]) -> List[str]:
    new = [name for name in tests if name not in before.get("tests", {})]
    told = []
    if new:
        told.append(f"{len(new)} test{'s' if len(new) > 1 else ''} not in the baseline")
    if before.get("python") != python():
        told.append(f"the baseline was written with Python {before.get('python')}")
    return told

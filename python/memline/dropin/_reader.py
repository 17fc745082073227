"""Reads the text of line reports: ours, those of every memory_profiler, and pasted logs.

Accepts both spellings of the fourth column, reports without it (0.10 to 0.57), the unit MB, and
rows with two blanks between fields as LogFile gets them, with or without a logger's name before.
"""

import re
from typing import Iterable, List, NamedTuple, Optional

_NUMBER = r"-?\d+(?:\.\d+)?"
# Between the number of a measured line and its figure stand at most 8 blanks; on a row without
# figures at least 41 (none of the fields is clipped). So figures inside a comment are no figures.
MEASURED = re.compile(
    r"\s*(?P<line>\d+) {1,12}(?P<memory>" + _NUMBER + r") (?P<unit>Mi?B)"
    r" {1,12}(?P<increment>" + _NUMBER + r") (?P=unit)(?P<rest>.*)",
    re.DOTALL,
)
_BARE = re.compile(r"\s{0,6}(?P<line>\d+)(?:(?= {8,}| *$))(?P<rest>.*)", re.DOTALL)
_COUNT = re.compile(r" +(\d+)(?= {2}|\s*$)")
_HEADER = re.compile(r"\s*Line #\s+Mem usage\s+Increment\s+(Occurr?ences\s+)?Line Contents")
_FILE = re.compile(r"(?:(?P<prefix>.*?): )?Filename: (?P<name>.*)")
_COMPACT = re.compile(r"\d+  \S")
_CONTENTS_AT = 47  # column of the contents in the aligned form


class ReportRow(NamedTuple):
    """One row of a report's text; what it does not show is None. Sizes in MiB."""

    line: int
    memory: Optional[float]
    increment: Optional[float]
    occurrences: Optional[int]
    contents: str


class ReportText(NamedTuple):
    """One report as its text shows it."""

    filename: str
    rows: List[ReportRow]


def is_file(text: str) -> bool:
    """Is this the record that names the file?"""
    return text.startswith("Filename:")


def is_header(text: str) -> bool:
    """Is this the record with the column names?"""
    return _HEADER.match(text) is not None


def read_report(text: str) -> List[ReportText]:
    """The reports found in text, in order; other lines are passed over."""
    return list(_reports(text.splitlines()))


def _reports(lines: Iterable[str]) -> Iterable[ReportText]:
    report: Optional[ReportText] = None
    prefix = ""
    counted = True  # has the column Occurrences
    for raw in lines:
        named = _FILE.match(raw)
        if named:
            if report is not None:
                yield report
            report = ReportText(named["name"].rstrip(), [])
            prefix = named["prefix"] + ": " if named["prefix"] else ""
            continue
        line = raw[len(prefix) :] if prefix and raw.startswith(prefix) else raw
        header = _HEADER.match(line)
        if header:
            counted = header[1] is not None
        elif report is not None:
            row = _row(line, counted)
            if row is not None:
                report.rows.append(row)
    if report is not None:
        yield report


def _row(line: str, counted: bool) -> Optional[ReportRow]:
    found = MEASURED.match(line)
    if found is None:
        return _bare_row(line)
    rest, occurrences = found["rest"], None
    if counted:
        count = _COUNT.match(rest)
        if count is None:
            return None
        occurrences = int(count[1])
        rest = rest[count.end() :]
    return ReportRow(
        int(found["line"]),
        float(found["memory"]),
        float(found["increment"]),
        occurrences,
        _contents(line, rest),
    )


def _bare_row(line: str) -> Optional[ReportRow]:
    found = _BARE.match(line)
    if found is None:
        return None
    contents = line[_CONTENTS_AT:]
    if len(line) < _CONTENTS_AT or line[found.end("line") : _CONTENTS_AT].strip():
        contents = found["rest"][8:]  # two blanks before each of four empty fields
    return ReportRow(int(found["line"]), None, None, None, contents)


def _contents(line: str, rest: str) -> str:
    """The contents with their indentation: after two blanks in LogFile's rows, else after three."""
    if _COMPACT.match(line):
        return rest[2:]
    return rest[3:] if rest.startswith("   ") else rest.lstrip(" ")

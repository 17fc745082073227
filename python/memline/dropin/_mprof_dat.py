"""mprof's files: reading their records, and what is asked of them.

    CMDLINE command
    MEM MiB time
    CHLD pid MiB time
    FUNC module.name MiB_start time_start MiB_end time_end [level]

One record a line, in any order: the program and its children append while mprof does. Records of
other kinds are skipped; damaged ones (a writer was killed, a disk was full) as well, with a warning.
"""

from __future__ import annotations

import sys
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple  # noqa: F401 (in type comments)


def read_mprofile_file(filename):
    # type: (str) -> Dict[str, Any]
    """The records of a file, in the order in which they stand there.

    mem_usage [MiB], timestamp [s], func_timestamp {name: [[start, end, MiB_start, MiB_end, level]]}
    (level only where recorded), children {pid: [(MiB, s)]}, filename, cmd_line (with its newline, or
    None). Raises OSError.
    """
    reader = _Reader()
    with open(filename, encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            reader.take(number, line)
    if reader.damaged:
        records = "record" if len(reader.damaged) == 1 else "records"
        sys.stderr.write(
            f"mprof: skipped {len(reader.damaged)} damaged {records} of '{filename}'"
            f" (line {reader.damaged[0]}{', ...' if len(reader.damaged) > 1 else ''})\n"
        )
    return {
        "mem_usage": reader.mem_usage,
        "timestamp": reader.timestamp,
        "func_timestamp": reader.functions,
        "filename": filename,
        "cmd_line": reader.cmd_line,
        "children": reader.children,
    }


class _Reader:
    def __init__(self) -> None:
        self.mem_usage: List[float] = []
        self.timestamp: List[float] = []
        self.functions: Dict[str, List[List[float]]] = {}
        self.children: Dict[str, List[Tuple[float, float]]] = {}
        self.cmd_line: Optional[str] = None
        self.damaged: List[int] = []  # line numbers

    def take(self, number: int, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "CMDLINE":
            self.cmd_line = rest
            return
        take = {"MEM": self._mem, "CHLD": self._child, "FUNC": self._func}.get(word)
        if take is None:
            if not (
                word.strip() and rest.strip()
            ):  # neither a record nor one of a kind that we do not know
                self.damaged.append(number)
            return
        try:
            # A last line without its end may lack digits.
            if not line.endswith("\n"):
                raise ValueError(line)
            take(rest.split())
        except ValueError:
            self.damaged.append(number)

    def _mem(self, words: List[str]) -> None:
        mib, at = _numbers(words, 2)
        self.mem_usage.append(mib)
        self.timestamp.append(at)

    def _child(self, words: List[str]) -> None:
        mib, at = _numbers(words[1:], 2)
        self.children.setdefault(words[0], []).append((mib, at))

    def _func(self, words: List[str]) -> None:
        # Older writers let blanks into the name: count from the end. The level has no point.
        level: List[float] = []
        if len(words) > 5 and words[-1].lstrip("-").isdigit():
            level = [int(words.pop())]
        name = " ".join(words[:-4])
        mib_start, start, mib_end, end = _numbers(words[-4:], 4)
        if not name:
            raise ValueError(words)
        self.functions.setdefault(name, []).append([start, end, mib_start, mib_end, *level])


def _numbers(words: List[str], count: int) -> List[float]:
    numbers = [float(word) for word in words]
    if len(numbers) != count or not all(map(isfinite, numbers)):
        raise ValueError(words)
    return numbers


def filter_mprofile_mem_usage_by_function(prof, func):
    # type: (Dict[str, Any], Optional[str]) -> List[float]
    """The samples taken while func ran; all of them if func is None.

    Where no sample was taken meanwhile: the readings at its starts and ends.
    Raises ValueError if no record has that function.
    """
    if func is None:
        usage: List[float] = prof["mem_usage"]
        return usage
    spans = prof["func_timestamp"].get(func)
    if spans is None:
        raise ValueError(f"{func} was not found.")
    samples = [
        mib
        for mib, at in zip(prof["mem_usage"], prof["timestamp"])
        if any(span[0] <= at <= span[1] for span in spans)
    ]
    return samples or [mib for span in spans for mib in span[2:4]]


def function_labels(dotted_function_names):
    # type: (Any) -> Dict[str, str]
    """Each dotted name with its shortest dotted end that no other of the names shares."""
    names = list(dotted_function_names)
    labels = {}
    for name in names:
        parts = name.split(".")
        others = [other.split(".") for other in names if other != name]
        length = 1
        while length < len(parts) and any(other[-length:] == parts[-length:] for other in others):
            length += 1
        labels[name] = ".".join(parts[-length:])
    return labels

#!/usr/bin/env python3
"""The longest C functions and files, as information: `longest.py [HOW_MANY]`. Nothing fails here.

Relies on the style: a function's braces stand alone in the first column.
"""

import re
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"(\w+)\(")


def functions(path: Path) -> Iterator[Tuple[int, str]]:
    """(lines between the braces, "file:line name") of each function."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = next((text for text in reversed(lines[: start - 1]) if text[:1].strip()), "")
            name = NAME.search(head)
            place = f"{path.relative_to(ROOT)}:{start}"
            yield number - start - 1, f"{place} {name.group(1) if name else '?'}"
            start = None


def main() -> None:
    how_many = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    files = sorted((ROOT / "src").rglob("*.c"))
    found: List[Tuple[int, str]] = [item for path in files for item in functions(path)]
    sizes = sorted(length for length, _ in found)
    if not sizes:
        return
    median, high = sizes[len(sizes) // 2], sizes[len(sizes) * 9 // 10]
    print(
        f"longest: {len(sizes)} functions in {len(files)} files; median {median} lines, p90 {high}"
    )
    for length, name in sorted(found, reverse=True)[:how_many]:
        print(f"  {length:4} {name}")


if __name__ == "__main__":
    main()

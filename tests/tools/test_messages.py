"""docs/messages.md shows every status with the very texts of the table in src/base/err.h."""

import re
from pathlib import Path
from typing import Dict, Tuple

ROOT = Path(__file__).resolve().parents[2]


def in_source() -> Dict[str, Tuple[str, str]]:
    text = (ROOT / "src/base/err.h").read_text(encoding="utf-8")
    rows = re.findall(r'X\((\w+),\s*-\d+,\s*"([^"]*)",[\s\\]*"([^"]*)"\)', text)
    assert len(rows) == len(re.findall(r"\bX\(\w+, -\d+", text)), "a row this test cannot read"
    return {name: (says, hint) for name, says, hint in rows}


def in_document() -> Dict[str, Tuple[str, str]]:
    text = (ROOT / "docs/messages.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 4 and row[0].isupper()}


def test_the_page_and_the_table_say_the_same() -> None:
    assert len(in_source()) >= 15
    assert in_document() == in_source()

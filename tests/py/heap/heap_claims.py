"""Known-answer programs: what each line must say stands behind it.

A program is a file in programs/. A line may end in `#: FIELD EXPRESSION; ...`: the field of memline.Row, by its
short name, and a Python expression for its value, evaluated in the program's namespace after the run. Fields:
hits, net, own, peak, alloc, count, freed, held, map, file. Behind an expression, `~ N` is the tolerance in bytes
(default 0 for hits and count, else 1024: free lists and caches of the interpreter), `~ free` what the free lists of
frames keep; `>` a lower bound.
"""

import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

HERE = Path(__file__).parent
FIELDS = {
    "hits": "hits",
    "net": "net_bytes",
    "own": "own_net_bytes",
    "peak": "peak_bytes",
    "alloc": "alloc_bytes",
    "count": "alloc_count",
    "freed": "freed_bytes",
    "held": "held_bytes",
    "map": "map_bytes",
    "file": "map_file_bytes",
}


class Ran(NamedTuple):
    rows: List[Dict[str, Any]]
    heap: Dict[str, Any]
    values: Dict[str, Any]
    scopes: List[Dict[str, Any]]
    scope_rows: List[Dict[str, Any]]

    def line(self, number: int) -> Dict[str, Any]:
        rows = [r for r in self.rows if r["line"] == number]
        total = dict(rows[0]) if rows else {name: 0 for name in FIELDS.values()}
        for row in rows[1:]:
            for name in FIELDS.values():
                total[name] += row[name]
        return total


class Claim(NamedTuple):
    line: int
    field: str
    text: str
    tolerance: float
    least: bool


def claims_of(path: Path) -> List[Claim]:
    claims = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for word in line.partition("#: ")[2].split(";"):
            m = re.match(r"\s*(\w+)\s+(>?)(.*?)(?:~\s*(\S+)\s*)?$", word)
            if m:
                field, least, text, tolerance = m.groups()
                default = 0 if field in ("hits", "count", "map", "file") else 1024
                claims.append(
                    Claim(
                        number,
                        field,
                        text,
                        16_000.0 if tolerance == "free" else float(tolerance or default),
                        bool(least),
                    )
                )
    return claims


def laws(ran):
    """DESIGN.md, section 3: what lines and the rest own is what is alive."""
    heap = ran.heap
    outside, native = heap["outside"], heap["native_threads"]
    owned = sum(r["held_bytes"] for r in ran.rows) + outside["held_bytes"] + native["held_bytes"]
    assert owned == heap["live_bytes"]
    changed = sum(r["own_net_bytes"] for r in ran.rows) + outside["own_net_bytes"]
    assert changed == heap["live_bytes"]
    for row in ran.rows:
        assert row["alloc_bytes"] - row["freed_bytes"] == row["held_bytes"] >= 0
        assert row["freed_count"] <= row["alloc_count"]
        assert row["peak_bytes"] >= 0
    assert heap["stale_blocks"] == 0

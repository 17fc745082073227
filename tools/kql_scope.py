#!/usr/bin/env python3
"""The functions and aggregates of the query engine as a list, from the tables in src/kql.

tools/kql_scope.py            print the list
tools/kql_scope.py --write    put it into docs/kql.md, between its two marks
"""

import argparse
import re
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "kql.md"
BEGIN = "<!-- functions: written by tools/kql_scope.py -->\n"
END = "<!-- end of functions -->\n"
# Made by the binder without a row of their own (bind_special in src/kql/bind_expr.c).
SPECIAL = {
    "null and choice": ["column_ifexists", "toscalar"],
    "time": ["now", "ago"],
    "dynamic": ["pack_all", "bag_pack_columns"],
}


def functions() -> Dict[str, List[str]]:
    """Names by group: the comments of func.def are the groups."""
    groups: Dict[str, List[str]] = {}
    group = ""
    for line in (ROOT / "src/kql/func.def").read_text(encoding="utf-8").splitlines():
        comment = re.match(r"/\* ([^*:]+?)(?::.*)? \*/$", line)
        row = re.match(r'(?:FUNC|VEC)\("(\w+)"', line)
        if comment and "FUNC(" not in line:
            group = comment.group(1)
        elif row and not row.group(1).startswith("_"):
            groups.setdefault(group, []).append(row.group(1))
    for name, more in SPECIAL.items():
        groups[name] += more
    return groups


def aggregates() -> List[str]:
    text = (ROOT / "src/kql/agg.def").read_text(encoding="utf-8")
    return re.findall(r'^AGG\("(\w+)"', text, re.MULTILINE)


def table() -> str:
    lines = ["| functions | |", "|---|---|"]
    for group, names in functions().items():
        lines.append(f"| {group} | " + ", ".join(f"`{n}`" for n in sorted(names)) + " |")
    lines.append("| aggregates | " + ", ".join(f"`{n}`" for n in sorted(aggregates())) + " |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--write", action="store_true", help="put it into docs/kql.md")
    if p.parse_args().write:
        DOC.write_text(with_table(DOC.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()

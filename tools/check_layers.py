#!/usr/bin/env python3
"""Check the arrows between the folders of src/ against the real #include lines.

check_layers.py [--root FOLDER]     violations and include cycles; exit status 1 if there are any
check_layers.py --table             the arrows, as ARCHITECTURE.md shows them
check_layers.py --graph             the arrows that the includes really use
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

# Folder -> what it may include of ours: whole folders, or single headers.
ARROWS: Dict[str, Tuple[str, ...]] = {
    "base": (),
    "core": ("base",),
    "report": ("core/snapshot.h", "base"),
    "py": ("core", "report", "base"),
    "store": ("base",),
    "kql": ("store", "base"),
    "http": ("base",),
    "host": ("store", "http", "base"),
    "api": ("kql", "store", "http", "base"),
    "cli": ("api", "host", "kql", "store", "report", "core", "http", "base"),
}

# Outside library -> its doors: the only folders or files that may include it.
DOORS: Dict[str, Tuple[str, ...]] = {
    "Python.h": ("py",),
    "sqlite3.h": ("store",),
    "microhttpd.h": ("http",),
    "uv.h": ("http", "host", "api", "cli"),  # they put handles on the loop of http/loop.h
    "pcre2.h": ("kql/regex.c",),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


class Include(NamedTuple):
    file: str  # "core/book.c", below src/
    line: int
    target: str  # as written
    quoted: bool


def includes(src: Path) -> Iterator[Include]:
    for path in sorted(src.rglob("*.[ch]")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                quoted = match.group(1) is not None
                yield Include(
                    path.relative_to(src).as_posix(),
                    number,
                    match.group(1) or match.group(2),
                    quoted,
                )


def covers(rules: Tuple[str, ...], path: str) -> bool:
    """Whether path is one of the rules or lies in one of their folders."""
    return any(path == rule or path.startswith(rule + "/") for rule in rules)


def violations(found: List[Include], src: Path) -> Iterator[str]:
    for inc in found:
        place = f"src/{inc.file}:{inc.line}"
        folder = inc.file.split("/")[0]
        if inc.target in DOORS and not covers(DOORS[inc.target], inc.file):
            doors = ", ".join("src/" + door for door in DOORS[inc.target])
            yield f"{place}: <{inc.target}> is for {doors} only"
        if not inc.quoted:
            continue
        if folder not in ARROWS:
            yield f"{place}: folder src/{folder} is not in the table of arrows"
        elif (src / folder / f"{inc.target}.in").is_file():
            continue  # generated from a template beside it
        elif not (src / inc.target).is_file():
            yield f'{place}: "{inc.target}": no such file below src/ (write "folder/file.h")'
        elif not covers((folder, *ARROWS[folder]), inc.target):
            may = ", ".join(ARROWS[folder]) or "nothing of ours"
            yield f'{place}: {folder} may not include "{inc.target}" (it may: {may})'


def cycles(edges: Dict[str, Set[str]]) -> Iterator[List[str]]:
    """Each cycle that a depth-first walk closes, from its first node back to it."""
    done: Set[str] = set()
    for start in sorted(edges):
        stack: List[Tuple[str, Iterator[str]]] = [(start, iter(sorted(edges[start])))]
        path = [start]
        if start in done:
            continue
        while stack:
            node, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                done.add(node)
                stack.pop()
                path.pop()
            elif target in path:
                yield path[path.index(target) :] + [target]
            elif target not in done:
                path.append(target)
                stack.append((target, iter(sorted(edges.get(target, ())))))


def edges_of(found: List[Include], depth: int) -> Dict[str, Set[str]]:
    """Who includes whom: depth 1 between folders, 2 between files."""
    edges: Dict[str, Set[str]] = {}
    for inc in found:
        if not inc.quoted or "/" not in inc.target:
            continue
        source = "/".join(inc.file.split("/")[:depth])
        target = "/".join(inc.target.split("/")[:depth])
        if depth > 1 or source != target:
            edges.setdefault(source, set()).add(target)
    return edges


def main() -> int:
    parser = argparse.ArgumentParser(description="check the arrows between the folders of src/")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--table", action="store_true", help="print the arrows and stop")
    parser.add_argument("--graph", action="store_true", help="print the arrows in use and stop")
    args = parser.parse_args()

    if args.table:
        for folder, may in ARROWS.items():
            print(f"{folder:<8} -> {' '.join(may) or '(nothing of ours)'}")
        return 0
    src = args.root / "src"
    found = list(includes(src))
    if args.graph:
        for folder, targets in sorted(edges_of(found, 1).items()):
            print(f"{folder:<8} -> {' '.join(sorted(targets))}")
        return 0

    faults = list(violations(found, src))
    for depth, what in ((1, "folders"), (2, "files")):
        for cycle in cycles(edges_of(found, depth)):
            faults.append(f"cycle of {what}: {' -> '.join(cycle)}")
    for fault in faults:
        print(f"layers: {fault}", file=sys.stderr)
    files = len({inc.file for inc in found})
    print(f"layers: {files} files, {len(found)} includes, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Move the fragments of changes/ into CHANGELOG.md.

changelog.py --check      every fragment has a known kind and a text
changelog.py --show       print what the next release will say
changelog.py VERSION      write it, and remove the fragments
"""

import argparse
import datetime
import sys
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    "breaking": "Breaking",
    "feature": "New",
    "perf": "Faster",
    "bugfix": "Fixed",
    "docs": "Documents",
}


def fragments(folder: Path) -> List[Path]:
    return sorted(path for path in folder.glob("*.md") if path.name != "README.md")


def faults(paths: List[Path]) -> List[str]:
    found = []
    for path in paths:
        parts = path.name.split(".")
        if len(parts) != 3 or parts[1] not in KINDS:
            found.append(f"{path}: name it SUBJECT.KIND.md, KIND one of {', '.join(KINDS)}")
        elif not path.read_text(encoding="utf-8").strip():
            found.append(f"{path}: empty")
    return found


def release_text(paths: List[Path], title: str) -> str:
    by_kind: Dict[str, List[str]] = {kind: [] for kind in KINDS}
    for path in paths:
        text = " ".join(path.read_text(encoding="utf-8").split())
        by_kind[path.name.split(".")[1]].append(f"- {text}\n")
    sections = [
        f"### {KINDS[kind]}\n\n{''.join(items)}" for kind, items in by_kind.items() if items
    ]
    return f"## {title}\n\n" + "\n".join(sections)


def main() -> int:
    parser = argparse.ArgumentParser(description="move the fragments of changes/ into CHANGELOG.md")
    parser.add_argument("version", nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT)
    args = parser.parse_args()
    paths = fragments(args.root / "changes")
    found = faults(paths)
    for fault in found:
        print(f"changelog: {fault}", file=sys.stderr)
    if found:
        return 1
    if args.show:
        print(release_text(paths, "Next"), end="")
    if args.version:
        if not paths:
            print("changelog: nothing to release: no fragments in changes/", file=sys.stderr)
            return 1
        log = args.root / "CHANGELOG.md"
        head, mark, older = log.read_text(encoding="utf-8").partition("\n## ")
        new = release_text(paths, f"{args.version} ({datetime.date.today().isoformat()})")
        log.write_text(f"{head.rstrip()}\n\n{new}{mark}{older}", encoding="utf-8")
        for path in paths:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

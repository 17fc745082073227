"""Add up JUnit files, show what failed, and end with `N passed, N failed, N skipped`.

    sum_tests.py [--steps FILE] FOLDER

Each line of --steps is "name<TAB>status<TAB>seconds", for one command of the gate. A command that
failed although no test did (a build error) counts as one failure. A command called "check:..." has
no tests inside and counts itself.
Exit status: 0 if something passed and nothing failed.
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import List, NamedTuple


class Count(NamedTuple):
    name: str
    passed: int
    failed: int
    skipped: int
    failures: List[str]
    skips: List[str]


def read_junit(path: Path) -> Count:
    passed = failed = skipped = 0
    failures = []
    skips = []
    for case in ET.parse(path).getroot().iter("testcase"):
        name = ".".join(filter(None, [case.get("classname"), case.get("name")]))
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            failures.append(name)
        elif skip is not None:
            skipped += 1
            skips.append(f"{name}: {skip.get('message') or 'no reason given'}")
        else:
            passed += 1
    return Count(path.stem, passed, failed, skipped, failures, skips)


def read_steps(path: Path, failed_tests: int) -> Count:
    """The commands of the gate as results of their own."""
    passed = 0
    failures = []
    for line in path.read_text().splitlines():
        name, status, _seconds = line.split("\t")
        is_check = name.startswith("check:")
        if status == "0":
            passed += is_check
        elif is_check or failed_tests == 0:
            failures.append(name)
    return Count("steps", passed, len(failures), 0, failures, [])


def main() -> int:
    parser = argparse.ArgumentParser(description="add up JUnit files")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=Path)
    args = parser.parse_args()

    counts = [read_junit(path) for path in sorted(args.folder.glob("*.xml"))]
    if args.steps:
        counts.append(read_steps(args.steps, sum(c.failed for c in counts)))
    for c in counts:
        print(f"{c.name:<12} {c.passed:6} passed {c.failed:4} failed {c.skipped:4} skipped")
    for c in counts:
        for name in c.failures:
            print(f"FAILED {c.name}: {name}")
    reasons = sorted({skip.split(": ", 1)[1] for c in counts for skip in c.skips})
    for reason in reasons:
        print(f"skipped: {reason}")

    passed = sum(c.passed for c in counts)
    failed = sum(c.failed for c in counts)
    skipped = sum(c.skipped for c in counts)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

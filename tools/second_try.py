"""A test that failed and passed when run again, alone, is told as unsteady instead of failed.

    second_try.py FIRST.xml SECOND.xml

Memory of a process and times of a machine that others share are never quite still; a fault of ours
fails twice. Takes out of FIRST the failures that SECOND has as passed, names them, removes SECOND.
Exit status: 0 if none is left.
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Tuple


def key(case: ET.Element) -> Tuple[str, str]:
    return case.get("classname", ""), case.get("name", "")


def failed(case: ET.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def merge(first: Path, second: Path) -> int:
    """Failures left in `first`."""
    tree = ET.parse(first)
    again = {key(case): case for case in ET.parse(second).getroot().iter("testcase")}
    left = 0
    for case in tree.getroot().iter("testcase"):
        if not failed(case):
            continue
        retry = again.get(key(case))
        if retry is None or failed(retry) or retry.find("skipped") is not None:
            left += 1
            continue
        for kind in ("failure", "error"):
            for mark in case.findall(kind):
                case.remove(mark)
        print("unsteady: failed, then passed alone:", ".".join(key(case)))
    tree.write(first, encoding="utf-8", xml_declaration=True)
    second.unlink()
    return left


if __name__ == "__main__":
    sys.exit(1 if merge(Path(sys.argv[1]), Path(sys.argv[2])) else 0)

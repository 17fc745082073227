#!/usr/bin/env python3
"""CPython's own regression tests, plainly and under `memline run`: what fails in one only?

    tools/cpython_tests.py PYTHON [TEST...]     (make cpython-tests V=3.13)

PYTHON must have memline and the package `test`. Each test file runs three times, in turns: plainly, in
exact (heap) and in sample mode, with its own lines profiled. A test that ends differently is run once
more, plainly and so, and told if it does so again. The table goes to standard output; exit 1: a difference.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List, NamedTuple

TESTS = """test_gc test_threading test_fork1 test_mmap test_subprocess test_generators test_coroutines
test_asyncgen test_sys_settrace test_monitoring test_tracemalloc test_asyncio.test_tasks
test_asyncio.test_events test_asyncio.test_subprocess test_asyncio.test_locks test_asyncio.test_streams
test_concurrent_futures test_threadsignals test_signal test_contextlib test_weakref test_capi""".split()
MODES = {"plain": [], "heap": ["--mode", "heap"], "sample": ["--mode", "sample"]}
FEW = 3  # tests named in a cell
LIMIT = 300  # seconds for one file


class Outcome(NamedTuple):
    end: str  # "ok", "failed", "signal 11", "timeout", "absent"
    tests: Dict[str, str]  # name -> "pass", "skip" or "fail"
    seconds: float

    def table_cell(self) -> str:
        failed = sum(kind == "fail" for kind in self.tests.values())
        cell = f"{len(self.tests)}" + (f", {failed} failed" if failed else "")
        return cell if self.end in ("ok", "failed") else f"{cell} ({self.end})"


def read_junit(path: Path) -> Dict[str, str]:
    if not path.exists():
        return {}
    kinds = {"failure": "fail", "error": "fail", "skipped": "skip"}
    found: Dict[str, str] = {}
    for case in ElementTree.parse(str(path)).iter("testcase"):
        kind = next((kinds[child.tag] for child in case if child.tag in kinds), "pass")
        found[case.get("name", "?")] = kind
    return found


def run(python: str, test: str, mode: str, log: Path) -> Outcome:
    """One file in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="cpython-tests-") as folder:
        junit = Path(folder) / "tests.xml"
        command = [python]
        if mode != "plain":
            command += ["-m", "memline", "run", "--no-report", "-o", folder + "/tests.memline"]
            command += MODES[mode] + ["--include", "*/test/*"]
        command += ["-m", "test", "--junit-xml", str(junit), test]
        began = time.monotonic()
        with log.open("ab") as out:
            try:
                code = subprocess.run(
                    command,
                    cwd=folder,
                    stdout=out,
                    stderr=out,
                    stdin=subprocess.DEVNULL,
                    timeout=LIMIT,
                ).returncode
            except subprocess.TimeoutExpired:
                return Outcome("timeout", {}, LIMIT)
        end = "ok" if code == 0 else f"signal {-code}" if code < 0 else "failed"
        return Outcome(end, read_junit(junit), time.monotonic() - began)


def differences(plain: Outcome, other: Outcome) -> List[str]:
    """Names of tests that ended differently; "" for the process itself."""
    names = sorted(plain.tests.keys() | other.tests.keys())
    found = [name for name in names if plain.tests.get(name) != other.tests.get(name)]
    return found + ([""] if plain.end != other.end and not found else [])


def exists(python: str, test: str) -> bool:
    look = (
        "import importlib.util, sys; sys.exit(not importlib.util.find_spec('test.' + sys.argv[1]))"
    )
    return subprocess.run([python, "-c", look, test], stderr=subprocess.DEVNULL).returncode == 0


def compare(python: str, test: str, log: Path) -> int:
    """Print the row of one file; how many tests differ for sure."""
    ran = {mode: run(python, test, mode, log) for mode in MODES}
    told: List[str] = []
    count = 0
    for mode in ("heap", "sample"):
        names = differences(ran["plain"], ran[mode])
        if names:  # by chance? then not in both runs
            found: List[str] = []
            again = set(differences(run(python, test, "plain", log), run(python, test, mode, log)))
            for name in names:
                was = ran["plain"].tests.get(name, ran["plain"].end)
                now = ran[mode].tests.get(name, ran[mode].end)
                if name in again:
                    found.append(f"{(name or test).split('.')[-1]} {was} -> {now}")
            more = f", and {len(found) - FEW} more" if len(found) > FEW else ""
            told += [f"{mode}: {', '.join(found[:FEW])}{more}"] if found else []
            count += len(found)
    cells = [f"{ran[mode].table_cell()}, {ran[mode].seconds:.0f} s" for mode in MODES]
    print(f"| {test} | {' | '.join(cells)} | {'; '.join(told) or 'the same'} |", flush=True)
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python")
    parser.add_argument(
        "tests", nargs="*", help="default: a list of those that touch memory, threads, frames"
    )
    parser.add_argument(
        "--log", type=Path, default=Path("cpython-tests.log"), help="all output of the tests"
    )
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    print("| file | plain: tests | heap | sample | differs |\n|---|---|---|---|---|", flush=True)
    python = str(Path(args.python).absolute())
    log = args.log.absolute()
    found = sum(compare(python, test, log) for test in args.tests or TESTS if exists(python, test))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

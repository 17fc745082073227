#!/usr/bin/env python3
"""The drop-in beside the original: every cost that the compat specification lists (its section 4).

    bench/dropin.py --ours PYTHON --original PYTHON [CASE...]

PYTHON is an interpreter with memline and its drop-in installed, or one with memory_profiler 0.61. Each
case runs in a process of its own, ours and the original's in turn, three times; the table shows the best of
each, since what disturbs a measurement only makes it longer. Cases that take the original minutes run
it with fewer lines; the figures are per line or per call.
"""

import argparse
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List

ROUNDS = 3


# --- cases: each returns (figure, unit) ------------------------------------------------------------


def seconds(function: Callable[[], Any], times: int = 3) -> float:
    """The shortest of several runs."""
    best = 1e9
    for _ in range(times):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def loop(n: int) -> int:
    """Two lines a turn."""
    total = 0
    for i in range(n):
        total += i
    return total


def per_line(backend: str, lines: int) -> float:
    """Added microseconds for a line of a profiled loop."""
    from memory_profiler import profile

    plain = seconds(lambda: loop(lines // 2))
    profiled = profile(stream=open("/dev/null", "w"), backend=backend)(loop)
    return (seconds(lambda: profiled(lines // 2)) - plain) / lines * 1e6


def per_call(function: Callable[[], Any], calls: int) -> float:
    """Microseconds for a call."""

    def many() -> None:
        for _ in range(calls):
            function()

    return seconds(many) / calls * 1e6


def decorated_call(calls: int) -> float:
    """A one-line function under the imported decorator, its report included."""
    from memory_profiler import profile

    return per_call(profile(stream=open("/dev/null", "w"))(lambda: 1), calls)


def line_profiler_call(calls: int) -> float:
    """A one-line function wrapped by a LineProfiler."""
    from memory_profiler import LineProfiler

    return per_call(LineProfiler()(lambda: 1), calls)


def timestamper_call(calls: int) -> float:
    """A one-line function wrapped by a TimeStamper: two readings of memory."""
    from memory_profiler import TimeStamper

    return per_call(TimeStamper("psutil")(lambda: 1), calls)


def reading(calls: int, include_children: bool = False) -> float:
    """One reading of this process's memory."""
    from memory_profiler import _get_memory

    return per_call(lambda: _get_memory(-1, "psutil", include_children=include_children), calls)


def callee_line(lines: int) -> float:
    """Added nanoseconds for a line of an undecorated function called from a decorated one."""
    from memory_profiler import profile

    plain = seconds(lambda: loop(lines // 2))

    def caller() -> None:
        loop(lines // 2)

    profiled = profile(stream=open("/dev/null", "w"))(caller)
    return (seconds(profiled) - plain) / lines * 1e9


def import_ms(_: int) -> float:
    """Milliseconds for the import."""
    start = time.perf_counter()
    import memory_profiler  # noqa: F401

    return (time.perf_counter() - start) * 1e3


def import_mib(_: int) -> float:
    """Resident MiB that the import adds."""

    def resident() -> float:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096 / 2**20

    before = resident()
    import memory_profiler  # noqa: F401

    return resident() - before


# name -> (function of a count, unit, count for ours, count for the original)
CASES: Dict[str, Any] = {
    "hot loop, a line": (lambda n: per_line("psutil", n), "us", 200_000, 4_000),
    "  psutil_uss": (lambda n: per_line("psutil_uss", n), "us", 1_000, 400),
    "  psutil_pss": (lambda n: per_line("psutil_pss", n), "us", 1_000, 400),
    "  posix": (lambda n: per_line("posix", n), "us", 200_000, 40),
    "  tracemalloc": (lambda n: per_line("tracemalloc", n), "us", 100_000, 40),
    "one reading": (reading, "us", 2_000, 500),
    "  with children": (lambda n: reading(n, True), "us", 200, 50),
    "decorated call with its report": (decorated_call, "us", 500, 50),
    "LineProfiler, a call": (line_profiler_call, "us", 2_000, 200),
    "TimeStamper, a call": (timestamper_call, "us", 500, 100),
    "line of an undecorated callee": (callee_line, "ns", 1_000_000, 200_000),
    "import": (import_ms, "ms", 1, 1),
    "  resident": (import_mib, "MiB", 1, 1),
}


# --- the table -------------------------------------------------------------------------------------


def measure(python: str, case: str, count: int) -> float:
    """Run one case in a new process of that interpreter."""
    done = subprocess.run(
        [python, __file__, "--case", case, "--count", str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the original's posix backend warns at every reading
        encoding="ascii",
        timeout=600,
        check=True,
    )
    return float(done.stdout)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--original", metavar="PYTHON")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("cases", nargs="*", help="only those whose name contains one of these")
    options = parser.parse_args()
    if options.case:
        print(CASES[options.case][0](options.count))
        return 0
    print(f"{'':32} {'memline':>12} {'original':>12} {'ratio':>8}")
    for name, (_, unit, ours, original) in CASES.items():
        if options.cases and not any(part in name for part in options.cases):
            continue
        best: List[float] = [1e9, 1e9]
        for _ in range(ROUNDS):
            best[0] = min(best[0], measure(options.ours, name, ours))
            if options.original:
                best[1] = min(best[1], measure(options.original, name, original))
        theirs = f"{best[1]:9.2f} {unit:>3}" if options.original else "-"
        # Below the noise nothing can be said of the ratio.
        ratio = f"{best[1] / best[0]:7.0f}x" if options.original and best[0] > 0.01 else ""
        print(f"{name:32} {best[0]:8.2f} {unit:>3} {theirs:>12} {ratio:>8}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

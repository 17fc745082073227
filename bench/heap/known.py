"""Programs whose figures are known: `python known.py NAME FILE` writes what each line must show to FILE, as JSON.

A line ends in its mark: `# held A` names the bytes that it still holds at the end, `# peak A` what it holds for a
moment. Under tracemalloc the program also writes what that tells of each line.
"""

import builtins
import json
import sys
import time
import tracemalloc

profile = getattr(builtins, "profile", lambda f: f)
KEPT = {}


@profile
def three_lines(n=600):
    a, b, c = [], [], []
    for _ in range(n):
        a.append(bytearray(100_000))  # held a
        b.append(bytearray(50_000))  # held b
        c.append(bytearray(3_000))  # held c
    KEPT.update(a=a, b=b, c=c)


def three_lines_truth():
    return {k: sum(map(sys.getsizeof, v)) + sys.getsizeof(v) for k, v in KEPT.items()}


@profile
def temporary():
    sum([float(x) for x in range(1_000_000)])  # peak a


def temporary_truth():
    grown = [None for x in range(1_000_000)]  # as large, without the numbers
    return {"a": sys.getsizeof(grown) + 1_000_000 * sys.getsizeof(1.5)}


@profile
def leaks(n=10_000):
    for i in range(n):
        x = bytes(1_000)
        KEPT[i] = bytes(1_000)  # held a
    return x


def leaks_truth():
    return {"a": sum(map(sys.getsizeof, KEPT.values())) + sys.getsizeof(KEPT)}


def marks(name):
    """{mark: (line, kind)} of a function of this file, up to the blank line behind it."""
    with open(FILE) as f:
        text = f.read().splitlines()
    found = {}
    number = text.index(next(x for x in text if x.startswith(f"def {name}(")))
    while text[number]:
        words = text[number].partition("  # ")[2].split()
        number += 1
        if len(words) == 2:
            found[words[1]] = (number, words[0])
    return found


FILE = marks.__code__.co_filename  # memory_profiler gives us its own __file__


def main(name, out):
    end = time.process_time() + 1
    while time.process_time() < end:  # or Scalene says that it ran too short
        pass
    function = globals()[name]
    function()
    told = {}
    if tracemalloc.is_tracing():
        for stat in tracemalloc.take_snapshot().statistics("lineno"):
            frame = stat.traceback[0]
            if frame.filename == FILE:
                told[frame.lineno] = stat.size
    where = marks(name)
    truth = globals()[name + "_truth"]()
    with open(out, "w") as f:
        lines = [[where[k][0], where[k][1], truth[k]] for k in where]
        json.dump({"lines": lines, "tracemalloc": told}, f)


if __name__ == "__main__":
    main(*sys.argv[1:])

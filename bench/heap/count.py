"""Instructions of each row's body under memline, over plain: count.py [--update] --counter FILE PYTHON...

callgrind counts the body alone (counter.c), of a row made small (`few` in programs.py), with a fixed hash seed, address
space, sampling rate and seed: what it counts does not depend on the machine's load. instructions.json keeps the
ratios; one that has risen by more than the tolerance fails.

Every line reads resident memory (`--gate plain`) and the reads are not counted: under valgrind a line takes longer
than a page fault does elsewhere, so that the usual gate would open by chance. Nor is what the heap does by the clock.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

import programs

import tools

KEPT = os.path.join(programs.HERE, "instructions.json")
TOLERANCE = (
    0.02  # any change moves memory: pickle, with its table of addresses, differs by up to 1.3 %
)
VALGRIND = ["setarch", "-R", "valgrind", "--tool=callgrind", "--instr-atstart=no"]
VALGRIND += ["--toggle-collect=ml_rss_read", "--toggle-collect=ml_heap_look_at_clock"]
VALGRIND += ["--collect-atstart=yes"]  # behind those, which turn it off
VALGRIND += ["--callgrind-out-file=/dev/null"]
COUNTED = re.compile(r"Collected\s*:\s*(\d+)")
MODES = {"heap": ["--gate", "plain"], "sample": ["--rate", "64KiB", "--seed", "1"]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--counter", required=True, help="counter.c, built as a library")
    parser.add_argument("--rows", default="", help="only these, comma-separated")
    parser.add_argument("--update", action="store_true", help="keep what is counted now")
    options = parser.parse_args()
    options.counter = os.path.abspath(options.counter)
    options.rows = [
        row for row in programs.chosen(options.rows.split(",") if options.rows else []) if row.few
    ]
    return options


@contextlib.contextmanager
def fresh_folder(python, tool, row, counter):
    """One of the same name each time: where names lie in memory decides what a dict of addresses costs."""
    name = f"{os.path.basename(os.path.dirname(os.path.dirname(python)))}-{tool}-{row.name}"
    folder = os.path.join(os.path.dirname(counter), "bench-heap-count", name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def count(python, tool, row, counter):
    """Instructions of the body, those of reading resident memory left out."""
    args, more = row.few
    words = tools.command(python, tool, programs.script(row, python), args, row.functions)
    if tool in MODES:
        at = words.index("run") + 1
        words[at:at] = MODES[tool]
    with fresh_folder(python, tool, row, counter) as folder:
        env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "BENCH_COUNTER": counter,
        }
        env.update(
            PYTHONPATH=os.path.join(programs.HERE, "inside"),
            MEMLINE_BOOKS=folder,
            MEMLINE_CONFIG="",
        )
        done = subprocess.run(
            [*VALGRIND, *words],
            cwd=folder,
            env={**env, **more},
            capture_output=True,
            text=True,
            timeout=900,
        )
    found = COUNTED.search(done.stderr)
    if done.returncode or not found or not int(found[1]):
        raise RuntimeError(f"{tool} on {row.name}, {python}:\n{done.stderr[-2000:]}")
    return int(found[1])


def version(python):
    words = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def judged(now, kept):
    """(what to say beside a ratio, whether it fails)."""
    if kept is None:
        return "not kept", True
    change = now / kept - 1
    if abs(change) <= TOLERANCE:
        return "", False
    return f"{change:+.1%} to {kept:.4f}", change > 0


def compared(python, kept, options, pool):
    """({row: {mode: ratio}} of an interpreter, number of failures); printed row by row."""
    jobs = {
        row.name: {t: pool.submit(count, python, t, row, options.counter) for t in ("base", *MODES)}
        for row in options.rows
    }
    ratios, failed = {}, 0
    for name, of in jobs.items():
        base = of["base"].result()
        ratios[name] = {mode: round(of[mode].result() / base, 4) for mode in MODES}
        cells = f"{name:24}{base / 1e6:10.2f}"
        for mode, ratio in ratios[name].items():
            told, fails = judged(ratio, kept.get(name, {}).get(mode))
            failed += fails
            cells += f"{ratio:10.4f} {told:20}"
        print(cells.rstrip(), flush=True)
    return ratios, failed


def count_all(options, kept):
    """Number of failures; what was counted is in kept."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for python in map(os.path.abspath, options.pythons):
                of = version(python)
                print(f"CPython {of}: million instructions of the body; heap, sample: over that")
                ratios, bad = compared(python, kept.get(of, {}), options, pool)
                kept.setdefault(of, {}).update(ratios)
                failed += bad
        except RuntimeError as error:
            pool.shutdown(cancel_futures=True)
            sys.exit(f"bench-heap-count: {error}")
    return failed


def main():
    options = arguments()
    with open(KEPT) as f:
        kept = json.load(f)
    failed = count_all(options, kept)
    if options.update:
        with open(KEPT, "w") as f:
            json.dump(kept, f, indent=1, sort_keys=True)
            f.write("\n")
        return 0
    if failed:
        print(
            f"bench-heap-count: {failed} ratios have risen by more than {TOLERANCE:.0%}, or are not kept"
        )
        print("  try: make bench-heap-count UPDATE=1, if that is meant")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

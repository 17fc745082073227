"""How each tool is put on a program, and what it then says of a line.

A command is [python, *before, script, *between, *arguments]; output files land in the current folder.
"""

import json
import os
import re
import subprocess

import programs

MEMLINE = ["-m", "memline", "run", "--json", "-o", "run.book"]
TOOLS = {
    "base": ([], []),
    "heap": (MEMLINE, []),
    "heap --all": (MEMLINE, []),
    "sample": ([*MEMLINE, "--mode", "sample"], []),
    "tracemalloc": (["-X", "tracemalloc=1"], []),
    "memray": (["-m", "memray", "run", "-q", "-f", "-o", "run.memray"], []),
    "memray python": (
        ["-m", "memray", "run", "-q", "-f", "--trace-python-allocators", "-o", "run.memray"],
        [],
    ),
    "scalene": (["-m", "scalene", "run", "--memory", "-o", "scalene.json"], ["---"]),
    "memory_profiler": (["-m", "memory_profiler"], []),
}
OURS = ["heap", "heap --all", "sample"]
SMALL = ["base", "heap", "memory_profiler"]  # rows made so that it can end them


def command(python, tool, script, arguments, functions=()):
    before, between = TOOLS[tool]
    words = [python, *before]
    if tool in ("heap", "sample"):
        for name in functions:
            words += ["--function", name]
    return [*words, script, *between, *arguments]


def of_row(row):
    return SMALL if row in programs.SMALL else list(TOOLS)


def told(tool, python, folder, script, output, errors):
    """{line: {"held" or "peak": bytes}} of the script's lines, after a run in the folder."""
    readers = {"heap": _memline, "heap --all": _memline, "sample": _memline}
    readers.update({"memray": _memray, "memray python": _memray})
    readers.update({"scalene": _scalene, "memory_profiler": _memory_profiler})
    return readers[tool](python, folder, script, output, errors) if tool in readers else {}


def _memline(python, folder, script, output, errors):
    report = json.loads(errors[errors.index("{") :])
    names = {"held": "held_bytes", "peak": "peak_bytes"}
    if report["summary"]["mode"] == "sample":
        del names["peak"]  # it has none
    return {
        line["line"]: {kind: line[name] for kind, name in names.items()}
        for function in report["functions"]
        if function["file"].endswith(script.rpartition("/")[2])
        for line in function["lines"]
    }


MEMRAY = """
import collections, json, sys
from memray import FileReader
lines = collections.Counter()
with FileReader(sys.argv[1]) as reader:
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        for function, file, line in record.stack_trace():
            if file == sys.argv[2]:
                lines[line] += record.size
                break
print(json.dumps(lines))
"""


def _memray(python, folder, script, output, errors):
    """What was alive at the highest moment, by the innermost line of the script."""
    words = [python, "-c", MEMRAY, folder + "/run.memray", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = json.loads(done.stdout)
    return {int(line): {"held": size, "peak": size} for line, size in lines.items()}


def _scalene(python, folder, script, output, errors):
    """Its peak of a line (n_peak_mb) for the temporary one, what it allocated (n_malloc_mb) for what stays."""
    if not os.path.exists(folder + "/scalene.json"):
        return {}  # "did not run for long enough"
    with open(folder + "/scalene.json") as f:
        files = json.load(f)["files"]
    return {
        line["lineno"]: {"held": line["n_malloc_mb"] * 2**20, "peak": line["n_peak_mb"] * 2**20}
        for name, file in files.items()
        if name.endswith(script.rpartition("/")[2])
        for line in file["lines"]
    }


def _memory_profiler(python, folder, script, output, errors):
    """The column Increment."""
    found = re.findall(r"^ *(\d+) +[\d.-]+ MiB +([\d.-]+) MiB", output, re.M)
    return {int(n): {"held": float(x) * 2**20, "peak": float(x) * 2**20} for n, x in found}

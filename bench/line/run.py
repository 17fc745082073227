"""The line benchmark: run.py [options] PYTHON...

Each PYTHON is the interpreter of an environment with memline, its drop-in, psutil, line_profiler, IPython
and, in the folder `original` beside bin/, memory_profiler 0.61 (`make bench-line` makes them).

Every measurement is a process of its own. A round runs each tool of a case once, in an order that rotates
from round to round; rounds of all cases and interpreters are interleaved. A ratio is told as best over
best, and as the median over rounds of tool over base of the same round. A row whose base is spread by
more than 1.3 (highest over lowest) is marked NOISY: orientation, not a claim.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

import cases
import table

HERE = os.path.dirname(os.path.abspath(__file__))
IMPORTS = ("memline", "dropin", "original", "line_profiler")
ACCURACY = ("memline", "dropin", "original")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=0.05, help="processor time of a measurement"
    )
    parser.add_argument("--cases", default="", help="only these, comma-separated")
    parser.add_argument("--log", help="write every measurement there, a line of JSON each")
    return parser.parse_args()


class Rounds:
    """All measurements so far: results[python, case][tool] = [one dict a round]."""

    def __init__(self, log):
        self.results = {}
        self.log = log

    def measure(self, python, case, tool, words):
        """Run one process and keep what it says. A tool that fails has no figure, and says why."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MEMLINE"))}
        env.update(PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="", LC_ALL="C.UTF-8")
        started = time.time()
        try:
            done = subprocess.run(
                [python, *words], cwd=HERE, env=env, capture_output=True, text=True, timeout=300
            )
            last = (done.stdout.strip() or "{}").splitlines()[-1]
            said = json.loads(last) if done.returncode == 0 else None
            trouble = (done.stderr.strip() or "no output").splitlines()[-1]
        except subprocess.TimeoutExpired:
            said, trouble = None, "took more than 300 s"
        said = said or {"error": trouble}
        self.results.setdefault((python, case), {}).setdefault(tool, []).append(said)
        if self.log:
            row = {"python": python, "case": case, "tool": tool, "at": started, **said}
            print(json.dumps(row), file=self.log, flush=True)


def one_round(rounds, number, pythons, chosen, seconds):
    for name in chosen:
        for python in pythons:
            tools = plan(name)
            turn = number % len(tools)
            for tool in tools[turn:] + tools[:turn]:
                rounds.measure(python, name, tool, words(name, tool, seconds))


def plan(name):
    if name == "import":
        return list(IMPORTS)
    if name == "accuracy":
        return list(ACCURACY)
    return list(cases.CASES[name].tools)


def words(name, tool, seconds):
    if name == "import":
        return ["one_import.py", tool]
    if name == "accuracy":
        return ["accuracy.py", tool]
    return ["one.py", name, tool, str(seconds)]


def machine():
    """What it ran on."""
    with open("/proc/cpuinfo") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "?")
    with open("/proc/sys/kernel/perf_event_paranoid") as f:
        paranoid = f.read().strip()
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"machine: {model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}")
    print(f"load: {load}; perf_event_paranoid: {paranoid}")
    print(f"command: {' '.join(sys.argv)}")


VERSIONS = """
import json, platform, sys
from importlib.metadata import version
from memline import _core
names = ("memline", "line_profiler", "psutil", "ipython")
print(json.dumps({"python": platform.python_version(), "compiler": platform.python_compiler(),
    "engine": _core.engine, **{n: version(n) for n in names}}))
"""


def versions(python):
    done = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    options = arguments()
    chosen = [*cases.CASES, "import", "accuracy"]
    if options.cases:
        chosen = options.cases.split(",")
    pythons = [os.path.abspath(p) for p in options.pythons]
    log = open(options.log, "w") if options.log else None
    rounds = Rounds(log)
    known = {python: versions(python) for python in pythons}
    machine()
    for number in range(options.rounds):
        if sys.stderr.isatty():
            print(f"\rround {number + 1} of {options.rounds}", end="", file=sys.stderr)
        one_round(rounds, number, pythons, chosen, options.seconds)
    for python in pythons:
        told = {case: tools for (p, case), tools in rounds.results.items() if p == python}
        table.show(known[python], told)
    if log:
        log.close()
    return table.trouble(rounds.results)


if __name__ == "__main__":
    sys.exit(main())

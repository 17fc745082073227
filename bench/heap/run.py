"""The heap benchmark: run.py [options] PYTHON...

Each PYTHON is the interpreter of an environment with memline, memray, scalene, numpy and, in the folder
`original` beside bin/, memory_profiler 0.61 (`make bench-heap` makes them).

Every measurement is a process of its own. A round runs each tool of a row once, in an order that rotates from
round to round; rounds of all rows and interpreters are interleaved. Of each run: time and processor time of the
body, processor time of the whole process with its children (start, report), its highest resident memory, and
the bytes of the files it left.
"""

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import table

import tools

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOADS = """w1_churn w2_retain w3_calls w3b_calls_decorated w4_json w5_numpy_large w5b_numpy_small w6_async
w7_threads w8_import w9_lines""".split()
STANDARD = """json_dumps json_loads pickle_dumps pickle_pure_python unpickle deepcopy telco pprint_format
xml_etree""".split()
# Rows that memory_profiler can end: {name: (program, n)}.
SMALL = {"w1_churn, 2000": ("w1_churn", 2_000), "w9_lines, 5000": ("w9_lines", 5_000)}
KNOWN = ["three_lines", "temporary", "leaks"]
LIMIT = 180


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default="", help="only these, comma-separated; small, known")
    parser.add_argument("--tools", default="", help="only these besides base, comma-separated")
    parser.add_argument("--log", help="write every measurement there, a line of JSON each")
    parser.add_argument("--folder", help="a folder on a real disk for what the tools write")
    return parser.parse_args()


def plan(options):
    """[(row, script, program, arguments, tools)], and the programs of the accuracy table."""
    rows = [(w, "workloads.py", w, [], tools.USUAL) for w in WORKLOADS]
    rows += [(s, "standard.py", s, [], tools.USUAL) for s in STANDARD]
    some = ["base", "heap", "memory_profiler"]
    rows += [(r, "workloads.py", p, [n], some) for r, (p, n) in SMALL.items()]
    known = KNOWN
    if options.rows:
        wanted = options.rows.split(",")
        rows = [r for r in rows if r[0] in wanted or ("small" in wanted and r[0] in SMALL)]
        known = KNOWN if "known" in wanted else []
    if options.tools:
        wanted = ["base", *options.tools.split(",")]
        rows = [(*r[:4], [t for t in r[4] if t in wanted]) for r in rows]
    return rows, known


def environment(python, tool, folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MEMLINE"))}
    env.update(PYTHONHASHSEED="0", LC_ALL="C.UTF-8", MEMLINE_BOOKS=folder, MEMLINE_CONFIG="")
    if tool == "memory_profiler":  # the one beside bin/, not memline's drop-in
        env["PYTHONPATH"] = os.path.join(os.path.dirname(os.path.dirname(python)), "original")
    return env


def execute(words, folder, env):
    """(status, wall seconds, usage, standard output, standard error) of a process and its children."""
    out, err = folder + "/.stdout", folder + "/.stderr"
    begin = time.perf_counter()
    with open(out, "wb") as o, open(err, "wb") as e:
        child = subprocess.Popen(words, cwd=folder, env=env, stdout=o, stderr=e)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - begin > LIMIT:
                child.kill()
            time.sleep(0.005)
    child.returncode = status  # reaped here
    took = time.perf_counter() - begin
    texts = []
    for name in (out, err):
        with open(name, errors="replace") as f:
            texts.append(f.read())
        os.unlink(name)
    return status, took, usage, texts[0], texts[1]


def disk(folder):
    """Bytes of disk under a folder; sparse files count what they have."""
    found = [os.path.join(a, name) for a, _, names in os.walk(folder) for name in names]
    return sum(os.stat(name).st_blocks * 512 for name in found)


def peak_kib(usage, said):
    """A child begins with the runner's highest memory in its usage; below that, what the body said counts."""
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage.ru_maxrss if usage.ru_maxrss > floor else said


def measure(python, tool, script, program, args, parent):
    folder = tempfile.mkdtemp(prefix="run", dir=parent)
    try:
        words = tools.command(python, tool, os.path.join(HERE, script), program, args)
        status, took, usage, _, errors = execute(words, folder, environment(python, tool, folder))
        body = re.findall(r"^BODY (\S+) CPU (\S+) PEAK (\d+)", errors, re.M)
        if status or not body:
            why = (errors.strip() or "no output").splitlines()[-1]
            return {"error": f"took more than {LIMIT} s" if took > LIMIT else why}
        return {
            "body": float(body[-1][0]),
            "body_cpu": float(body[-1][1]),
            "wall": took,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak_kib": peak_kib(usage, int(body[-1][2])),
            "disk": disk(folder),
        }
    finally:
        shutil.rmtree(folder)


def accuracy(python, tool, program, parent):
    """[[kind, true bytes, told bytes or None]] of the lines whose figures are known."""
    folder = tempfile.mkdtemp(prefix="run", dir=parent)
    script = os.path.join(HERE, "known.py")
    try:
        words = tools.command(python, tool, script, program, [folder + "/known.json"])
        status, _, _, output, errors = execute(words, folder, environment(python, tool, folder))
        if status:
            return {"error": (errors.strip() or "no output").splitlines()[-1]}
        with open(folder + "/known.json") as f:
            truth = json.load(f)
        lines = tools.told(tool, python, folder, script, output, errors)
        for line, size in truth["tracemalloc"].items():
            lines[int(line)] = {"held": size}
        kinds = {kind for line in lines.values() for kind in line}
        said = [[k, size, lines.get(n, {}).get(k, 0)] for n, k, size in truth["lines"]]
        return {"lines": [[k, size, x if k in kinds else None] for k, size, x in said]}
    finally:
        shutil.rmtree(folder)


class Log:
    def __init__(self, path):
        self.file = open(path, "w") if path else None

    def add(self, **row):
        if self.file:
            print(json.dumps({"at": time.time(), **row}), file=self.file, flush=True)


VERSIONS = """
import json, platform
from importlib.metadata import version
names = ("memline", "memray", "scalene", "numpy")
print(json.dumps({"python": platform.python_version(), **{n: version(n) for n in names}}))
"""


def versions(python):
    done = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "?")
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"machine: {model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}")
    print(f"load: {load}; {time.strftime('%Y-%m-%d %H:%M')}; command: {' '.join(sys.argv)}")


def main():
    options = arguments()
    rows, known = plan(options)
    pythons = [os.path.abspath(p) for p in options.pythons]
    parent = os.path.abspath(tempfile.mkdtemp(prefix="bench-heap", dir=options.folder))
    log, results, accurate = Log(options.log), {}, {}
    machine()
    try:
        for python in pythons:
            for program in known:
                for tool in tools.TOOLS:
                    said = accuracy(python, tool, program, parent)
                    accurate.setdefault(python, {})[program, tool] = said
                    log.add(python=python, accuracy=program, tool=tool, **said)
        for number in range(options.rounds):
            for row, script, program, args, some in rows:
                turn = number % len(some)
                for python in pythons:
                    for tool in some[turn:] + some[:turn]:
                        said = measure(python, tool, script, program, args, parent)
                        results.setdefault((python, row), {}).setdefault(tool, []).append(said)
                        log.add(python=python, row=row, tool=tool, round=number, **said)
    finally:
        shutil.rmtree(parent)
    for python in pythons:
        table.show(versions(python), {r: x for (p, r), x in results.items() if p == python})
        table.show_accuracy(KNOWN if known else [], accurate.get(python, {}), tools.TOOLS)
    return table.trouble(results)


if __name__ == "__main__":
    sys.exit(main())

"""The heap benchmark: run.py [options] PYTHON...

Each PYTHON is the interpreter of an environment that environment.sh made.

Every measurement is a process of its own. A round runs each tool of a row once, in an order that rotates from
round to round; rounds of all rows and interpreters are interleaved. Of each run: time and processor time of the
body, processor time of the whole process with its children (start, report), its highest resident memory, and
the bytes of the files it left. Each is a line of the log the moment it is known. What the log already has of this
build is not run again, so that a run that was ended goes on. After each round the tables are written anew.
"""

import argparse
import glob
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import programs
import table

import tools

HERE = programs.HERE


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--rows", default="", help=f"names, {', '.join(programs.GROUPS)}, known; comma-separated"
    )
    parser.add_argument("--tools", default="", help="only these besides base, comma-separated")
    parser.add_argument(
        "--limit", type=float, default=60, help="seconds of one run; a tenth for memory_profiler"
    )
    parser.add_argument(
        "--log", required=True, help="every measurement, a line of JSON each; gone on with"
    )
    parser.add_argument("--table", required=True, help="the tables, as Markdown")
    parser.add_argument("--folder", help="a folder on a real disk for what the tools write")
    options = parser.parse_args()
    options.rows, options.tools = (
        [w for w in x.split(",") if w] for x in (options.rows, options.tools)
    )
    wrong = programs.unknown(options.rows) + [t for t in options.tools if t not in tools.TOOLS]
    if wrong:
        parser.error(
            f"unknown row or tool '{wrong[0]}'; rows: {', '.join(r.name for r in programs.ROWS)}"
        )
    return options


# --- one process -----------------------------------------------------------------------------------


def environment(python, tool, folder, more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MEMLINE", "BENCH"))}
    path = [os.path.join(HERE, "inside")]
    if tool == "memory_profiler":  # the one beside bin/, not memline's drop-in
        path.insert(0, os.path.join(os.path.dirname(os.path.dirname(python)), "original"))
    env.update(PYTHONPATH=os.pathsep.join(path), PYTHONHASHSEED="0", LC_ALL="C.UTF-8")
    return {**env, "MEMLINE_BOOKS": folder, "MEMLINE_CONFIG": "", **more}


def execute(words, folder, env, limit):
    """(status, wall seconds, usage, standard output, standard error) of a process and its children."""
    out, err = folder + "/.stdout", folder + "/.stderr"
    begin = time.perf_counter()
    with open(out, "wb") as o, open(err, "wb") as e:
        child = subprocess.Popen(
            words, cwd=folder, env=env, stdout=o, stderr=e, start_new_session=True
        )
        try:
            pid = 0
            while not pid:
                time.sleep(0.005)
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if not pid and time.perf_counter() - begin > limit:
                    os.killpg(child.pid, signal.SIGKILL)
        except (KeyboardInterrupt, SystemExit):  # it has a session of its own
            os.killpg(child.pid, signal.SIGKILL)
            raise
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


def why(errors):
    return (errors.strip() or "no output").splitlines()[-1]


def measure(python, tool, row, parent, limit):
    folder = tempfile.mkdtemp(prefix="run", dir=parent)
    try:
        script = programs.script(row, python)
        words = tools.command(python, tool, script, row.arguments, row.functions)
        env = environment(python, tool, folder, row.environment)
        status, took, usage, _, errors = execute(words, folder, env, limit)
        body = re.findall(r"^BODY (\S+) CPU (\S+) PEAK (\d+)", errors, re.M)
        if took > limit:
            return {"error": f"more than {limit:g} s", "late": True, "wall": took}
        if status or not body:
            return {"error": why(errors), "wall": took}
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


def accuracy(python, tool, program, parent, limit):
    """[[kind, true bytes, told bytes or None]] of the lines whose figures are known."""
    folder = tempfile.mkdtemp(prefix="run", dir=parent)
    script = os.path.join(HERE, "known.py")
    try:
        words = tools.command(python, tool, script, [program, folder + "/known.json"], [program])
        env = environment(python, tool, folder, {})
        status, took, _, output, errors = execute(words, folder, env, limit)
        if status:
            return {"error": f"more than {limit:g} s" if took > limit else why(errors)}
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


# --- what is measured, and on what -------------------------------------------------------------------

ABOUT = """
import hashlib, json, os, platform
from importlib.metadata import version
import memline
names = ("memline", "memray", "scalene", "numpy")
told = {"python": platform.python_version(), "versions": {n: version(n) for n in names}}
told["versions"].update(memory_profiler="0.61.0", pyperformance="1.14.0")
digest = hashlib.sha256()
for folder, below, files in os.walk(os.path.dirname(memline.__file__)):
    below[:] = sorted(b for b in below if b != "__pycache__")
    for name in sorted(files):
        with open(os.path.join(folder, name), "rb") as f:
            digest.update(f.read())
told["build"] = digest.hexdigest()
print(json.dumps(told))
"""


def about(python):
    """What is measured there. `build` is another one once memline or a measured program is."""
    done = subprocess.run([python, "-c", ABOUT], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    digest = hashlib.sha256(told["build"].encode())
    for name in ("programs.py", "tools.py", "workloads.py", "known.py", "inside/*.py"):
        for path in sorted(glob.glob(os.path.join(HERE, name))):
            with open(path, "rb") as f:
                digest.update(f.read())
    with open("/proc/cpuinfo") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "?")
    machine = f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"
    return {"about": True, **told, "build": digest.hexdigest()[:16], "machine": machine}


class Log:
    """The measurements so far, those of earlier runs of the same build included."""

    def __init__(self, path):
        self.rows = table.read(path) if os.path.exists(path) else []
        self.file = open(path, "a")
        if self.rows:
            self.file.write("\n")  # the last line may be half a line

    def add(self, row):
        row["at"], row["load"] = time.time(), os.getloadavg()[0]
        self.rows.append(row)
        print(json.dumps(row), file=self.file, flush=True)

    def find(self, **wanted):
        return [r for r in self.rows if all(r.get(k) == x for k, x in wanted.items())]


class Progress:
    """What is left, told by what each tool took so far."""

    def __init__(self, plan):
        self.left, self.took = [(p["python"], r.name, t) for _, p, r, t in plan], {}
        self.total, self.begin = len(self.left), time.time()

    def done(self, python, row, tool, seconds):
        self.left.remove((python, row, tool))
        self.took.setdefault(tool, []).append(seconds)
        self.took.setdefault((python, row, tool), []).append(seconds)

    def seconds(self, key):
        known = self.took.get(key) or self.took.get(key[2]) or [2.0]
        return sum(known) / len(known)

    def tell(self, number, row):
        left = sum(map(self.seconds, self.left))
        print(
            f"{time.strftime('%H:%M:%S')} round {number + 1}, {row}: {self.total - len(self.left)} of {self.total};"
            f" ends about {time.strftime('%H:%M', time.localtime(time.time() + left))}",
            flush=True,
        )


def planned(options, places):
    """[(round, about of the interpreter, row, tool)] in order."""
    plan, words = [], [word for word in options.rows if word != "known"]
    for number in range(options.rounds):
        for row in programs.chosen(words):
            some = [
                t
                for t in tools.of_row(row)
                if t == "base" or not options.tools or t in options.tools
            ]
            turn = number % len(some)
            plan += [(number, p, row, t) for p in places for t in some[turn:] + some[:turn]]
    return plan


def measure_accuracy(options, places, log, parent):
    some = [t for t in tools.TOOLS if t != "base" and (not options.tools or t in options.tools)]
    for place in places:
        for program in programs.KNOWN:
            print(f"{time.strftime('%H:%M:%S')} accuracy, {place['python']}: {program}", flush=True)
            for tool in some:
                key = {
                    "python": place["python"],
                    "build": place["build"],
                    "accuracy": program,
                    "tool": tool,
                }
                if not log.find(**key):
                    log.add(
                        {**key, **accuracy(place["path"], tool, program, parent, options.limit)}
                    )


def measure_rows(options, places, log, parent):
    plan = planned(options, places)
    progress = Progress(plan)
    for at, (number, place, row, tool) in enumerate(plan):
        key = {"python": place["python"], "build": place["build"], "row": row.name, "tool": tool}
        found = log.find(**key, round=number)
        if not found and not log.find(**key, late=True):  # too late once is enough
            limit = options.limit / 10 if tool == "memory_profiler" else options.limit
            said = {**key, "round": number, **measure(place["path"], tool, row, parent, limit)}
            log.add(said)
            found = [said]
        progress.done(place["python"], row.name, tool, found[0]["wall"] if found else 0)
        following = plan[at + 1] if at + 1 < len(plan) else (None, None, None, None)
        if following[2] is not row:
            progress.tell(number, row.name)
        if following[0] != number:
            write_table(options.table, log)


def write_table(path, log):
    with open(path, "w") as f:
        f.write(table.markdown(log.rows))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs ends, and the folder goes
    options = arguments()
    places = [{**about(os.path.abspath(p)), "path": os.path.abspath(p)} for p in options.pythons]
    parent = os.path.abspath(tempfile.mkdtemp(prefix="bench-heap", dir=options.folder))
    log = Log(options.log)
    try:
        for place in places:
            log.add(dict(place))
        if not options.rows or "known" in options.rows:
            measure_accuracy(options, places, log, parent)
        if options.rows != ["known"]:
            measure_rows(options, places, log, parent)
        write_table(options.table, log)
    finally:
        shutil.rmtree(parent)
    with open(options.table) as f:
        print(f.read())
    return table.trouble(log.rows)


if __name__ == "__main__":
    sys.exit(main())

"""Instructions of one line event: instructions.py [--limit N] PYTHON

callgrind counts the instructions of a hot loop, plain and profiled, for two lengths of the loop; the
difference of the differences is what one line event adds. It does not depend on the machine's load, so
it can gate a change. With --limit, the status is 1 if it is above N.

Under valgrind a line takes longer than a page fault does elsewhere, so the time gate would read
memory at every line. The faults gate stands here too, where the kernel allows it: that is checked.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LENGTHS = (2_000, 12_000)
LINES_OF_A_TURN = 4
TOTAL = re.compile(rb"Collected\s*:\s*(\d+)")

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from programs.loops import lines
if sys.argv[3] == "profiled":
    import memline
    from memline import _config, _session
    _session.configure(_config.Settings(output=sys.argv[4], report=False))
    lines = memline.profile(lines)
lines(int(sys.argv[2]))
"""


def instructions(python, turns, kind, folder):
    """Instructions of the whole process."""
    env = {"PYTHONHASHSEED": "0", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    book = os.path.join(folder, f"{kind}.book")
    command = ["setarch", "-R", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command += [python, "-c", PROGRAM, HERE, str(turns), kind, book]
    done = subprocess.run(command, env=env, capture_output=True, timeout=600)
    found = TOTAL.search(done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit("callgrind failed:\n" + done.stderr.decode(errors="replace")[-2000:])
    return int(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python")
    parser.add_argument("--limit", type=float)
    options = parser.parse_args()
    cost = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("plain", "profiled"):
            short, long = (instructions(options.python, n, kind, folder) for n in LENGTHS)
            cost[kind] = (long - short) / ((LENGTHS[1] - LENGTHS[0]) * LINES_OF_A_TURN)
    added = cost["profiled"] - cost["plain"]
    print(
        f"{options.python}: a line {cost['plain']:.1f} instructions, profiled {cost['profiled']:.1f}:"
        f" {added:.1f} added"
    )
    if options.limit is not None and added > options.limit:
        print(f"more than {options.limit:g}")
        return 1
    return 0


sys.exit(main())

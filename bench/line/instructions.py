"""Instructions of one line event: instructions.py [--limit N] PYTHON

callgrind counts the instructions of a hot loop, plain and profiled, for two lengths of the loop; the
difference of the differences is what one line event adds. It does not depend on the machine's load, so
it can gate a change: with --limit, the status is 1 if it is above N.

Under valgrind a line takes longer than a page fault does elsewhere, so neither gate of the RSS reader
holds and every line reads memory. These reads (ml_rss_read, callees included) are told apart.
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
READ = re.compile(r"^\s*([\d,]+) .*:ml_rss_read ", re.M)

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from programs.loops import lines
if sys.argv[3] == "profiled":
    import memline
    from memline import _config, _session
    _session.configure(_config.Settings(output=sys.argv[4], report=False, mode="line"))
    lines = memline.profile(lines)
lines(int(sys.argv[2]))
"""


def instructions(python, turns, kind, folder):
    """(instructions of the whole process, those of reading memory)."""
    env = {"PYTHONHASHSEED": "0", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    out = os.path.join(folder, "callgrind.out")
    command = ["setarch", "-R", "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    command += [python, "-c", PROGRAM, HERE, str(turns), kind, os.path.join(folder, "run.book")]
    done = subprocess.run(command, env=env, capture_output=True, timeout=900)
    total = TOTAL.search(done.stderr)
    if done.returncode != 0 or total is None:
        sys.exit("callgrind failed:\n" + done.stderr.decode(errors="replace")[-2000:])
    command = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", out]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    read = READ.search(told)
    return int(total.group(1)), int(read.group(1).replace(",", "")) if read else 0


def per_line(short, long):
    return (long - short) / ((LENGTHS[1] - LENGTHS[0]) * LINES_OF_A_TURN)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python")
    parser.add_argument("--limit", type=float)
    options = parser.parse_args()
    subprocess.run([options.python, "-c", PROGRAM, HERE, "1", "plain"], check=True)  # bytecode
    cost, reads = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("plain", "profiled"):
            short, long = (instructions(options.python, n, kind, folder) for n in LENGTHS)
            cost[kind] = per_line(short[0], long[0])
            reads[kind] = per_line(short[1], long[1])
    added = cost["profiled"] - cost["plain"] - reads["profiled"]
    print(
        f"{options.python}: a line {cost['plain']:.1f} instructions;"
        f" profiled {added:.1f} more, and {reads['profiled']:.1f} where memory is read"
    )
    if options.limit is not None and added > options.limit:
        print(f"more than {options.limit:g}")
        return 1
    return 0


sys.exit(main())

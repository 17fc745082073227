"""One measurement, in a process of its own: one.py CASE TOOL SECONDS -> one line of JSON.

run(n) is repeated in short bursts until they have had so many seconds of processor time; the figures are
nanoseconds for one unit in the best burst. A case's clock is this thread's processor time, or, where
child processes do the work, that of this process and of its children.
"""

import gc
import json
import resource
import sys
import time

import cases

import tools

BURST_NS = 2_000_000  # short: somewhere between two of the scheduler's turns
LEAST_BURSTS = 2


def family_time_ns():
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return int(1e9 * sum(use.ru_utime + use.ru_stime for use in uses))


CLOCKS = {"cpu": time.thread_time_ns, "family": family_time_ns}


def main(case_name, tool_name, seconds):
    sys.modules["IPython"] = None  # the peers import it where it is to be had, which takes a while
    case = cases.CASES[case_name]
    run, units = case.make(tools.TOOLS[tool_name]())
    check = run(2)
    clock = CLOCKS[case.clock]

    def burst(n):
        start = clock()
        run(n)
        return clock() - start

    gc.collect()
    gc.disable()
    n = 1
    spent = [burst(n)]
    while min(spent) < BURST_NS:
        n *= 2
        spent = [burst(n), burst(n)]
    while len(spent) < LEAST_BURSTS or sum(spent) < float(seconds) * 1e9:
        spent.append(burst(n))
    getattr(run, "close", lambda: None)()
    best = min(spent) / (n * units)
    print(json.dumps({"ns": best, "n": n, "bursts": len(spent), "check": check}))


main(*sys.argv[1:])

"""One import in a fresh process: one_import.py TOOL -> its processor time, wall time and resident set."""

import os
import sys
import time

PAGE = os.sysconf("SC_PAGESIZE")


def resident():
    with open("/proc/self/statm", "rb", 0) as f:
        return int(f.read().split()[1]) * PAGE


tool = sys.argv[1]
if tool == "original":
    sys.path.insert(0, os.path.join(sys.prefix, "original"))
resident()
memory, cpu, wall = resident(), time.process_time_ns(), time.perf_counter_ns()
if tool == "memline":
    import memline  # noqa: F401
elif tool == "line_profiler":
    import line_profiler  # noqa: F401
else:
    import memory_profiler

cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
memory = resident() - memory
if tool in ("dropin", "original"):
    wanted = "original" if tool == "original" else "memline"
    assert wanted in memory_profiler.__file__, memory_profiler.__file__
print(f'{{"cpu": {cpu}, "wall": {wall}, "rss": {memory}}}')

"""What every measured process says of its body: `BODY seconds CPU seconds PEAK KiB`, on stderr."""

import builtins
import os
import sys
import time

COUNTER = os.environ.get("BENCH_COUNTER")


def profile(function):
    """Decorated as the user's own, by a tool that offers a builtin of this name."""
    return getattr(builtins, "profile", lambda f: f)(function)


def highest():
    """Peak resident memory so far, in KiB: this process's own, not what it was forked from."""
    with open("/proc/self/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmHWM"))


def counted(body, *arguments):
    """Under callgrind: only the body's instructions are counted (see counter.c)."""
    import ctypes  # not everywhere: W8 measures what imports cost

    counter = ctypes.PyDLL(COUNTER)
    if "memline._core" in sys.modules:
        sys.modules["memline._core"].limit_watch(None)  # it looks at limits by the clock
    begin, end = counter.begin, counter.end  # found now: it makes memline look at what was loaded
    begin()
    try:
        body(*arguments)
    finally:
        end()


def measured(body, *arguments):
    if COUNTER:
        counted(body, *arguments)
        return
    begin = time.perf_counter()
    cpu = time.process_time()
    body(*arguments)
    cpu = time.process_time() - cpu
    took = time.perf_counter() - begin
    print(f"BODY {took:.4f} CPU {cpu:.4f} PEAK {highest()}", file=sys.stderr)

"""A function that starts a child with 200 MiB; `decorator` or run under -m memory_profiler."""

import subprocess
import sys

CHILD = "import sys; b = bytearray(200 << 20); print('up', flush=True); sys.stdin.read()"

if "decorator" in sys.argv:
    import memory_profiler

    profile = memory_profiler.profile(include_children=True)


def start():
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdout.readline()
    return child


@profile
def work():
    child = start()
    child.stdin.close()
    child.wait()
    child.stdout.close()


work()

"""A fork below a measured function: parent and child go on measuring."""

import os
import sys

from memline import _core, _wrap


def through(f, *args):
    return f(*args)


def subject():
    pid = through(os.fork)
    for _ in range(2):
        through(through, len, "abc")
    return pid


r = _core.Recorder()
f = _wrap.instrument(subject, r)
pid = f()
rows = [row[1] for row in r.rows(subject.__code__)]
if pid != 0:
    os.waitpid(pid, 0)
print("parent" if pid else "child", [rows[0], rows[1], rows[2] + 1])
sys.stdout.flush()

"""3.11 and newer recurse in Python code without C stack: also below a measured function."""

import sys
import threading

from memline import _core, _wrap

DEEP = 50_000 if sys.version_info >= (3, 11) else 5_000
sys.setrecursionlimit(100_000)


def down(n):
    return n and down(n - 1) + 1


def subject(n):
    n = down(n)
    return n


r = _core.Recorder()
f = _wrap.instrument(subject, r)
for _ in range(2):
    assert f(DEEP) == DEEP
print("deep 50000 hits", [row[1] for row in r.rows(subject.__code__)])


def again(n):
    n = down(n)
    return n


own = _core.Recorder()
g = _wrap.instrument(again, own)
small = 3_000 if sys.version_info >= (3, 11) else 100
threading.stack_size(256 * 1024)
results = []
thread = threading.Thread(target=lambda: results.append(g(small)))
thread.start()
thread.join()
assert results == [small]
print("thread 3000 hits", [row[1] for row in own.rows(again.__code__)])

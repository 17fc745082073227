"""A profiled __getitem__ that a hot loop of unprofiled code calls by subscription."""

from memline import _core, _wrap


def find(self, key):
    key = key + 1
    return key


class Table:
    __getitem__ = find


def loop(table, n):
    total = 0
    for i in range(n):
        total += table[i]
    return total


assert loop(Table(), 2000) == 2001000  # whatever the interpreter has learnt, it has by now
r = _core.Recorder()
r.add(find.__code__, always=True)
f = _wrap.instrument(lambda: loop(Table(), 2000), _core.Recorder())
assert f() == 2001000
print("hits", [row[1] for row in r.rows(find.__code__)])

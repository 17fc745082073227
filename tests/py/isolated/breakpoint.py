"""A breakpoint inside a profiled function."""

import pdb

from memline import _core, _wrap


def subject(n):
    total = n
    pdb.set_trace()
    return total * 2


f = _wrap.instrument(subject, _core.Recorder())
print("result", f(3))

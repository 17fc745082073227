"""Greenlets switch stacks under measured code and under what it calls."""

import sys

from memline import _core, _wrap


def through(f, *args):
    return f(*args)


def subject(switch):
    a = 1
    switch()
    through(switch)
    b = a
    return b


def hits(recorder):
    return " ".join(str(row[1]) for row in recorder.rows(subject.__code__)[1:])


def rounds(f):
    """Three greenlets in turns, each back in its measured frame while others wait in unprofiled ones."""
    from greenlet import getcurrent, greenlet

    hub = getcurrent()
    all_of_them = [greenlet(f) for _ in range(3)]
    for g in all_of_them:
        through(g.switch, hub.switch)
    for _ in range(2):
        for g in all_of_them:
            through(g.switch)
    assert all(g.dead for g in all_of_them)


# greenlet is imported, and its first greenlet made, below a measured function
r = _core.Recorder()
f = _wrap.instrument(subject, r)
outer = _wrap.instrument(lambda: rounds(f), _core.Recorder())
assert "greenlet" not in sys.modules
outer()
print("first", hits(r))
rounds(f)  # greenlets that were there before
print("before", " ".join(str(row[1] // 2) for row in r.rows(subject.__code__)[1:]))

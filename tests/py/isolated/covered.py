"""Prints the lines that coverage misses in a function, profiled or not."""

import sys

import coverage


def subject(n):
    total = 0
    for i in range(n):
        total += i
    if total > 100:
        total = 0
    return total


cover = coverage.Coverage(data_file=None, include=[__file__])
cover.start()
if sys.argv[1] == "profiled":
    from memline import _core, _wrap

    subject = _wrap.instrument(subject, _core.Recorder())
subject(3)
cover.stop()
_, lines, _, missing, _ = cover.analysis2(__file__)
inside = range(8, 15)
print("missing:", [line for line in missing if line in inside])

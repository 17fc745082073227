import numpy

header = numpy.ndarray.__basicsize__


def run():
    x = numpy.ones(64)
    for _ in range(20):
        y = x * x  # numpy keeps a few small blocks from here on
    for _ in range(10_000):
        y = x * x  #: hits 10_000; alloc 10_000 * header ~ 3_584; held 0; net 0
    return y.sum()

import numpy


def run():
    global y
    x = numpy.ones(2_000_000)
    for _ in range(40):
        y = x * 2.0  #: hits 40; alloc 40 * 16_000_000 ~ 40_960; peak 16_000_000; held 16_000_000
    del x  #: own -16_000_000

"""Line events and little else."""


def lines(n):
    """4 n + 1 line events."""
    for i in range(n):
        a = i
        b = a
        c = b
    return c


def call(n, function):
    """One line that runs `function`."""
    return function(n)


def nothing():
    pass


def one_line(x=1):
    return x


def catch(n):
    """n exceptions, raised a frame below and caught."""
    caught = 0
    for _ in range(n):
        try:
            fail()
        except LookupError:
            caught += 1
    return caught


def fail():
    raise LookupError


def call_often(n, function):
    for _ in range(n):
        function()


# `lines` with a constant of 20,000 items: hashing its code object costs as many hashes.
_ITEMS = ", ".join(map(str, range(20_000)))
_SOURCE = f"""
def lines_big(n):
    if n < 0:
        return ({_ITEMS})
    for i in range(n):
        a = i
        b = a
        c = b
    return c
"""
_namespace = {"__name__": __name__}
exec(compile(_SOURCE, __file__, "exec"), _namespace)
lines_big = _namespace["lines_big"]

import contextlib

kept = []
other = {}
exec(  # code that is not profiled
    compile(
        """
def safe(f):
    try:
        f()
    except ValueError:
        return None
""",
        "<other>",
        "exec",
    ),
    other,
)


def boom():
    kept.append(bytearray(1_000_000))  #: held 2 * sys.getsizeof(kept[0]); hits 2
    raise ValueError


def run():
    global y
    with contextlib.suppress(ValueError):
        boom()  #: held 0; own 0
    y = (other["safe"](boom), bytearray(3_000_000))  #: held sys.getsizeof(y[1]) ~ 2000

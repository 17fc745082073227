"""Two decorated functions, in this order; arguments: raise | exit | nothing."""
# ruff: noqa: F821

import sys


@profile
def second_called(n):
    held = bytearray(n)
    return held


@profile(precision=1)
def first_called():
    return second_called(50 * 2**20)


def undecorated():
    return 1


first_called()
undecorated()
print("argv", sys.argv[1:])
if "raise" in sys.argv:
    raise ValueError("mine")
if "exit" in sys.argv:
    sys.exit(3)

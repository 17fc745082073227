"""A program whose answer is known: what each line of f adds, in MiB, stands in TRUE.

Blocks of 64 KiB and more come from mmap here (M_MMAP_THRESHOLD), so each is resident as soon as it is
written and gone as soon as it is freed.
"""

import ctypes

ctypes.CDLL(None).mallopt(-3, 65536)

BLOCK = 1024 * 1024 - 4096  # with malloc's and Python's heads, 1 MiB of pages


def f():
    kept = []
    for _ in range(200):
        block = bytearray(BLOCK)
        kept.append(bytearray(BLOCK))
        del block
    big = bytearray(20 * BLOCK)
    for _ in range(50):
        g(kept)
    return len(kept) + len(big)


def g(kept):
    temporary = bytearray(BLOCK)
    kept.append(bytearray(BLOCK))
    del temporary


_first = f.__code__.co_firstlineno
TRUE = {_first + 3: 200, _first + 4: 200, _first + 5: -200, _first + 6: 20, _first + 8: 50}

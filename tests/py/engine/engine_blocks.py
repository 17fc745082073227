"""Memory that comes from the kernel and goes back to it, whatever malloc has in store."""

import mmap
from typing import Union


def resident(size: int) -> Union[mmap.mmap, bytes]:
    """An object that holds so many resident bytes (whole pages) until its end."""
    if size == 0:
        return b""
    memory = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    memory[:: mmap.PAGESIZE] = bytes(1) * (size // mmap.PAGESIZE)
    return memory

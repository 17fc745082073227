"""Memory that comes from the kernel and goes back to it, whatever malloc has in store."""

import mmap

MIB = 2**20


def block(mib):
    """An object that holds so many MiB of resident memory; close() or its end gives them back."""
    memory = mmap.mmap(-1, mib * MIB)
    for page in range(0, len(memory), mmap.PAGESIZE):
        memory[page] = 1
    return memory

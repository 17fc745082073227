size = bytearray(1_000_000).__sizeof__()


def run():
    a = bytearray(1_000_000)  #: hits 1; alloc size; net size
    return a  #: alloc 0; net 0

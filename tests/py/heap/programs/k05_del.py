size = bytearray(5_000_000).__sizeof__()


def run():
    x = bytearray(5_000_000)  #: alloc size; freed size; held 0
    del x  #: alloc 0; net -size

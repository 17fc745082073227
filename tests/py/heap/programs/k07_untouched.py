def run():
    b = bytes(30_000_000)  #: alloc 30_000_033; net 30_000_033
    return len(b)

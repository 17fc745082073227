b = None
chunk = b"x" * 1000


def run():
    global b
    b = bytearray()  #: held 56 ~ 8
    for _ in range(1_000):
        b.extend(chunk)  #: held sys.getsizeof(b) - 56 ~ 8; hits 1000

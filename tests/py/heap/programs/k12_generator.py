def gen():
    a = ((yield 1), bytearray(1_000_000))  #: held sys.getsizeof(r[1]); hits 1
    yield a


def closed():
    try:
        _ = ((yield 1), bytearray(1_000_000))  #: alloc 0
    finally:
        kept.append(bytearray(500_000))  #: held 2 * sys.getsizeof(kept[0]) ~ 1500; hits 2


def run():
    global r, b, kept
    kept = []
    g = gen()
    next(g)  #: own 0
    b = bytearray(2_000_000)  #: held sys.getsizeof(b); hits 1
    r = g.send(None)  #: own 0; net sys.getsizeof(r[1]) ~ 1500
    c = closed()
    next(c)
    c.close()  #: own 0; net sys.getsizeof(kept[0]) ~ 1500
    d = closed()
    next(d)
    try:
        d.throw(KeyError)
    except KeyError:
        pass

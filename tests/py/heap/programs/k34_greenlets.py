import sys

from greenlet import greenlet

BIG = 10**6
kept = {}
b = bytearray


def first():
    kept[1] = (b(BIG), two.switch(), b(BIG))  #: held 2 * big; net 2 * big ~ 4e3; hits 1
    kept[2] = b(BIG)  #: held big; hits 1


def second():
    kept[3] = (b(3 * BIG), one.switch(), b(BIG))  #: held 4 * big; peak 4 * big ~ 4e3; hits 1
    kept[4] = b(BIG)  #: held big; net big; hits 1


def plain(n):
    return [b(n), main.switch(), b(n)]


def deep(n):
    if n > 0:
        return deep(n - 1)  #: own 0 ~ free; hits 3; net 4 * big ~ free
    return plain(2 * BIG)  #: held 4 * big; own 4 * big ~ free; peak 4 * big ~ free; hits 1


def deeper():
    kept[5] = deep(3)  #: own 0 ~ free; net 4 * big ~ free; hits 1


def thrown():
    try:
        kept[6] = (b(BIG), main.switch())  #: held 0; net 0 ~ 4000; alloc big ~ 4000; hits 1
    except KeyError:
        kept[7] = b(BIG)  #: held big; hits 1


def given_up():
    try:
        main.switch()  #: held 0; hits 100
    finally:
        kept[8] = b(BIG)  #: held big ~ 3000; alloc 100 * big ~ 30000; hits 100


def run():
    global one, two, main, big
    from greenlet import getcurrent

    big = sys.getsizeof(b(BIG))
    main = getcurrent()
    one = greenlet(first)
    two = greenlet(second)
    one.switch()  #: own 0 ~ 3000; net 0 ~ 3000; hits 1
    x = b(BIG)  #: held big; net big; hits 1
    two.switch()  #: own 0 ~ 3000; net 0 ~ 3000; hits 1
    g = greenlet(deeper)
    g.switch()
    y = b(5 * BIG)  #: held 5 * big ~ 2000; peak 5 * big ~ 2000
    g.switch()
    h = greenlet(thrown)
    h.switch()
    h.throw(KeyError)  #: held 0 ~ 3000; hits 1
    for _ in range(100):  # each at the address of the one before
        i = greenlet(given_up)
        i.switch()
        del i
    return x, y

x = None


def inner():
    return bytearray(1_000_000)  #: held one; net one


def run():
    global x, one, two
    x = [inner(), bytearray(2_000_000)]  #: held two; net one + two; own two
    one = x[0].__sizeof__()
    two = x[1].__sizeof__() + 72  # and the list

import gc


def run():
    global size
    numbers = list(range(90))
    gc.collect()  # Python forgets the floats that it keeps for whoever wants the next
    a = list(map(float, numbers))  #: net 90 * 24 + size ~ 256
    size = a.__sizeof__() + 16
    del a  #: net -size ~ 256
    b = list(map(float, numbers))  #: net size ~ 256
    del b  #: net -size ~ 256
    gc.collect()  #: net -90 * 24 ~ 512
    c = list(map(float, numbers))  #: net 90 * 24 + size ~ 256
    return c  #: net 0

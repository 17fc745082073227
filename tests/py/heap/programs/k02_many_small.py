def run():
    global L, grown
    L = []  #: hits 1
    for _ in range(10_000):  #: hits 10001; held 0
        L.append(bytearray(100))  #: hits 10000; held 10_000 * sys.getsizeof(L[0]) + grown
    grown = L.__sizeof__() - [].__sizeof__()

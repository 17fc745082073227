def run():
    global A, B, C, grown
    A, B, C = [], [], []
    for _ in range(6_000):
        A.append(bytearray(100_000))  #: held 6_000 * A[0].__sizeof__() + grown
        B.append(bytearray(50_000))  #: held 6_000 * B[0].__sizeof__() + grown
        C.append(bytearray(3_000))  #: held 6_000 * C[0].__sizeof__() + grown
    grown = A.__sizeof__() - [].__sizeof__()

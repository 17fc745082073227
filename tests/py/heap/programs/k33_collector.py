import gc
import weakref

size = 200 * bytearray(100_000).__sizeof__()


class Node:
    def __init__(self):
        self.other = None
        self.data = bytearray(100_000)  #: alloc size ~ 40_000; held 0


def noted(ref):
    notes.append(bytearray(50))  #: hits 200


def run():
    global notes
    notes = []
    refs = []
    gc.disable()
    for _ in range(100):
        a, b = Node(), Node()
        a.other, b.other = b, a
        refs += [weakref.ref(a, noted), weakref.ref(b, noted)]
    del a, b
    gc.collect()  #: alloc 0 ~ 20_000
    gc.enable()

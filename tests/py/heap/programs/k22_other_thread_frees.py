import queue
import threading

size = 1000 * bytearray(10_000).__sizeof__()


def produce(q):
    for _ in range(1_000):
        q.put(bytearray(10_000))  #: alloc size ~ 900_000; held 0 ~ 20_000
    q.put(None)


def consume(q):
    while q.get() is not None:  #: held 0 ~ 20_000
        pass


def run():
    q = queue.Queue()
    t = threading.Thread(target=consume, args=(q,))
    t.start()
    produce(q)
    t.join()

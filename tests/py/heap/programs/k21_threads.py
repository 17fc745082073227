import threading


def work():
    kept = []
    for i in range(50_000):
        b = bytes(2048)  #: hits 200000; alloc 200_000 * 2081; count 200000 ~ 8; held 0
        if i % 50 == 0:
            kept.append(b)


def run():
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

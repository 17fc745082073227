"""Decorated and undecorated functions of the script in processes; argument: the start method."""
# ruff: noqa: F821

import multiprocessing
import pickle
import sys


@profile
def decorated(n):
    return n * 2


def plain(n):
    return n * 3


@profile
class Task:
    def __call__(self, n):
        return n * 4


def main():
    for function in (decorated, plain):
        assert pickle.loads(pickle.dumps(function)) is function
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Pool(2) as pool:
        print(pool.map(decorated, range(4)), pool.map(plain, range(4)), pool.map(Task(), range(2)))
    process = multiprocessing.Process(target=decorated, args=(1,))
    process.start()
    process.join(30)
    print("exit", process.exitcode, decorated(1))


if __name__ == "__main__":
    main()

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)  #: hits 21891; held 0 ~ free; own 0 ~ free


def run():
    return fib(20)  #: hits 1; held 0; net 0 ~ free

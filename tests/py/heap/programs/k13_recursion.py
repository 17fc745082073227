def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)  #= hits 21891; held 0 ~ 16_000; own 0 ~ 16_000; net 0 ~ 16_000


def run():
    return fib(20)  #= hits 1; held 0; net 0 ~ 16_000

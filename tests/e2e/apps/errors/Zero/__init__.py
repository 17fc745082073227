def halve(n):
    return n / 0


def main(req) -> str:
    return str(halve(1))

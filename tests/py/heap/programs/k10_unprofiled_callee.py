import textwrap


def key(n):
    kept.append(bytearray(1_000))  #= hits 1000; held 1000 * kept[0].__sizeof__() + grown
    return -n


def run():
    global kept, ordered, text, grown
    kept = []
    text = textwrap.indent("x" * 3_000_000, "  ")  #= held sys.getsizeof(text)
    ordered = sorted(range(1000), key=key)  #= held sys.getsizeof(ordered) + 1000 * 32 - 257 * 32 ~ 5000; hits 1
    grown = kept.__sizeof__() - [].__sizeof__()

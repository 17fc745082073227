import textwrap


def key(n):
    kept.append(bytearray(1_000))  #: hits 1000; held 1000 * kept[0].__sizeof__() + grown
    return -n


def run():
    global kept, ordered, text, grown, size
    kept = []
    text = textwrap.indent("x" * 3_000_000, "  ")  #: held sys.getsizeof(text)
    ordered = sorted(range(1000), key=key)  #: held size ~ 5000; hits 1
    grown = kept.__sizeof__() - [].__sizeof__()
    size = ordered.__sizeof__() + (1000 - 257) * 32  # and its numbers

"""Bytes for people."""


def size(n: float) -> str:
    """ "38.1 MiB", "-512 B", "0" """
    value, unit = float(abs(n)), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1023.95 or unit == "GiB":
            break
        value /= 1024
    text = f"{value:.0f}" if unit == "B" else f"{value:.1f}"
    return "0" if n == 0 else f"{'-' if n < 0 else ''}{text} {unit}"

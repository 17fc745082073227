"""Books written from docs/book-format.md alone, as a stranger's program would write them."""

import struct
from typing import Iterable, Sequence, Tuple

HEADER = 4096
ALIGN = 32
META, SOURCE, FUNCTION = 1, 2, 3

# (line, hits, net bytes, max bytes)
Row = Tuple[int, int, int, int]


def _pad(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGN)


def pair(kind: int, first: bytes, second: bytes) -> bytes:
    body = struct.pack("=II", len(first), len(second)) + first + second
    record = _pad(struct.pack("=II", kind, 0) + body)
    return struct.pack("=II", kind, len(record)) + record[8:]


def meta(key: str, value: str) -> bytes:
    return pair(META, key.encode(), value.encode())


def source(file: str, text: str) -> bytes:
    return pair(SOURCE, file.encode(), text.encode())


def function(file: str, name: str, first_line: int, n_lines: int, rows: Iterable[Row]) -> bytes:
    f, n = file.encode(), name.encode()
    head = _pad(struct.pack("=IIIIII", FUNCTION, 0, first_line, n_lines, len(f), len(n)) + f + n)
    lines = bytearray(32 * n_lines)
    for order, (line, hits, net, highest) in enumerate(rows, 1):
        struct.pack_into("=QqQQ", lines, 32 * (line - first_line), hits, net, highest, order)
    record = head + bytes(lines)
    return struct.pack("=II", FUNCTION, len(record)) + record[8:]


def book(
    records: Sequence[bytes],
    *,
    complete: bool = True,
    lost: int = 0,
    version: int = 1,
    pid: int = 77,
) -> bytes:
    body = b"".join(records)
    header = struct.pack(
        "=8sIIIIQqQQQII",
        b"MEMLBOOK",
        version,
        0x01020304,
        HEADER,
        32,
        pid,
        4_000_000_000
        * 10**9,  # start: later than any file on disk, so none "changed since the run"
        HEADER + len(body),
        0,
        lost,
        int(complete),
        0,
    )
    return header.ljust(HEADER, b"\0") + body

"""Books written from docs/book-format.md alone, as a stranger's program would write them."""

import struct
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

HEADER = 4096
ALIGN = 32
META, SOURCE, FUNCTION = 1, 2, 3

# (line, hits, net bytes, max bytes)
Row = Tuple[int, int, int, int]
# A record, or for those whose bytes depend on where they stand, what makes it of its offset.
Record = Union[bytes, Callable[[int], bytes]]


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
    records: Sequence[Record],
    *,
    complete: bool = True,
    lost: int = 0,
    version: int = 2,
    pid: int = 77,
) -> bytes:
    body = bytearray()
    for record in records:
        body += record if isinstance(record, bytes) else record(HEADER + len(body))
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
    return header.ljust(HEADER, b"\0") + bytes(body)


# --- the heap's tables ------------------------------------------------------------------------------

ACCOUNTS, THREADS, SCOPES, TIMELINE, HEAP = 4, 5, 6, 7, 8
EXACT, SAMPLE = 1, 2
LINE_KIND, OUTSIDE_KIND, NATIVE_KIND = 1, 2, 3


def table(kind: int, first: int, elements: Sequence[bytes]) -> Callable[[int], bytes]:
    """A record whose elements begin at a multiple of 64 in the file."""

    def record(at: int) -> bytes:
        start = (at + 16 + 63) // 64 * 64 - at
        data = b"".join(elements)
        size = len(_pad(bytes(start) + data))
        head = struct.pack("=IIII", kind, size, len(elements), first)
        return (head.ljust(start, b"\0") + data).ljust(size, b"\0")

    return record


class Account(NamedTuple):
    """Figures of one line, in one scope, on one path; `held` is what was not freed."""

    where: Optional[Tuple[str, int]]  # (function, line); None: outside
    hits: int = 0
    net: int = 0
    own: int = 0
    peak: int = 0
    rss: int = 0
    alloc: int = 0
    count: int = 0
    held: int = 0
    scope: int = 0
    parent: int = 0  # site
    samples: int = 0
    variance: float = 0.0
    freed_variance: float = 0.0
    weight: int = 0
    maps: int = 0
    kind: int = LINE_KIND

    def packed(self, line: int, site: int) -> bytes:
        freed = self.alloc - self.held
        freed_count = self.count * freed // self.alloc if self.alloc else 0
        return struct.pack(
            "=IIIIQqqQqQ QQQQQQqq QddQQ16xI4x",
            *(line, self.parent, self.scope, site),
            *(self.hits, self.net, self.own, self.peak, self.rss, self.alloc),
            *(self.count, freed, freed_count, 0, 0, 0, self.maps, 0),
            *(self.samples, self.variance, self.freed_variance, self.weight, 0, self.kind),
        )


class Scope(NamedTuple):
    id: int
    name: str
    key: str
    begin: int
    end: int
    net: int = 0
    peak: int = 0
    alloc: int = 0
    held: int = 0
    parent: int = 0

    def packed(self) -> bytes:
        return struct.pack(
            "=II48s64sqqqqQq24x",
            *(self.id, self.parent, self.name.encode(), self.key.encode(), self.begin, self.end),
            *(self.net, self.peak, self.alloc, self.held),
        )


def heap_records(
    records: Sequence[bytes],
    accounts: Sequence[Account],
    *,
    live: int,
    scopes: Sequence[Scope] = (),
    moments: Sequence[Tuple[int, int, int, int]] = (),
    mode: int = EXACT,
    peak: int = 0,
    rate: int = 0,
    native: bool = True,
    limit: int = 0,
) -> List[Record]:
    """The records, and behind them what the heap's tables need; accounts have sites from 3 on, those of
    the outside and of native threads come first."""
    lines: Dict[Tuple[str, int], int] = {}
    at = HEADER
    for record in records:
        kind, size, first_line, n_lines, file_bytes, name_bytes = struct.unpack_from(
            "=IIIIII", record.ljust(24, b"\0")
        )
        if kind == FUNCTION:
            name = record[24 + file_bytes : 24 + file_bytes + name_bytes].decode()
            start = at + size - 32 * n_lines
            for i in range(n_lines):
                lines[name, first_line + i] = (start + 32 * i) // 32
        at += size
    packed = [a.packed(lines[a.where] if a.where else 0, i) for i, a in enumerate(accounts, 1)]
    thread = struct.pack("=IIIIIIqq", 1, 0, 0, 0, 0, 0, live, live).ljust(128, b"\0")
    totals = struct.pack("=IIqqQQQQQQQIIQ", mode, len(moments), 0, peak, rate, 0, 0, 0, 3 << 20, 0,
                         limit, 0, int(native), 0).ljust(128, b"\0")  # fmt: skip
    return [
        *records,
        table(ACCOUNTS, 1, packed),
        table(THREADS, 0, [thread, bytes(128)]),
        table(SCOPES, 0, [s.packed() for s in scopes]),
        table(TIMELINE, 0, [struct.pack("=qQqQ", *m) for m in moments]),
        table(HEAP, 0, [totals]),
    ]

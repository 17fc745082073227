"""The heap of every invocation: what it took, its peak, what it left behind, and which lines did.

Off unless `--profile` is heap or sample: only then is memline's extension loaded. An invocation is a scope
of the account book: its thread, or its steps on the loop, charge it, and nothing else does. The figures go
with the result; the rows of its lines too (the largest, and one for all others, so that sums hold).

A function that leaves memory behind is named: of its invocations that ended a while ago, what is still alive
is summed by line; a line that holds something of nearly all of them grows with each.
"""

import threading
from collections import deque
from itertools import islice
from typing import Any, Awaitable, Callable, Deque, Dict, Generator, List, Tuple, cast

from . import logs
from .host import Host

TEXTS = 4096  # source lines remembered
ROWS = 20  # lines of an invocation that are told; the others in one row
KEPT = 64  # invocations of a function that are looked at
SETTLED = 4  # the newest ones may rightly hold what the next one frees
EVERY = 16  # invocations between looks
LEAST_BYTES = 1024  # for each invocation: less is the interpreter's own
SHARE = 0.9  # of the invocations, that must hold something

Place = Tuple[str, str, int]
_heap: "List[Heap]" = []  # one, or none


def start(mode: str, host: Host) -> None:
    """Account for the heap from now on. Raises ImportError without the extension, OSError without room."""
    from memline import _core, _session
    from memline._config import Settings

    _session.configure(Settings(mode=mode, report=False))
    _session.enable(roots=[host.root])
    _heap.append(Heap(_core, host))


def begin(invocation_id: str, function: str) -> int:
    """A scope for the invocation; 0 where nothing is accounted for."""
    return int(_heap[0].core.scope_open(function, invocation_id)) if _heap else 0


def inside(scope: int, call: Callable[..., Any], *args: Any) -> Any:
    """call(*args), charged to the scope with all that inherits its context."""
    if not scope:
        return call(*args)
    core = _heap[0].core
    token = core.scope_enter(scope)
    try:
        return call(*args)
    finally:
        core.scope_exit(token)


class Steps:
    """A coroutine, each step of which is charged to the scope; between them the loop is its own."""

    def __init__(self, scope: int, coroutine: Any) -> None:
        self._core = _heap[0].core
        self._scope = scope
        self._coroutine = coroutine
        self._entered = False

    def __await__(self) -> Generator[Any, Any, Any]:
        return cast(Generator[Any, Any, Any], self)

    def __iter__(self) -> "Steps":
        return self

    def __next__(self) -> Any:
        return self._step(self._coroutine.send, None)

    def send(self, value: Any) -> Any:
        return self._step(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._coroutine.throw, *error)

    def close(self) -> None:
        self._step(self._coroutine.close)

    def _step(self, go: Callable[..., Any], *args: Any) -> Any:
        if not self._entered:
            self._entered = True
            self._core.scope_enter(self._scope)  # for the task's context, which is the task's alone
            self._core.scope_switch(0)
        before = self._core.scope_switch(self._scope)
        try:
            return go(*args)
        finally:
            self._core.scope_switch(before)


def steps(scope: int, coroutine: Any) -> "Awaitable[Any]":
    """The coroutine, charged to the scope while it runs."""
    return Steps(scope, coroutine) if scope else coroutine


def end(scope: int, frame: Dict[str, Any]) -> None:
    """Close the scope; its figures and its lines go into the result frame."""
    if not scope:
        return
    figures = _heap[0].core.scope_close(scope)
    memory = frame.setdefault("memory", {})
    memory["heap_net"] = figures["net_bytes"]
    memory["heap_peak"] = figures["peak_bytes"]
    memory["heap_allocated"] = figures["alloc_bytes"]
    memory["heap_held"] = figures["held_bytes"]
    frame["lines"] = _heap[0].lines(scope)


def ended(scope: int, function: str) -> None:
    """After the result: look whether the function's invocations leave memory behind."""
    if scope:
        _heap[0].ended(scope, function)


class Heap:
    def __init__(self, core: Any, host: Host) -> None:
        self.core = core
        self._host = host
        self._lock = threading.Lock()
        self._scopes: Dict[str, Deque[int]] = {}  # function -> its newest invocations' scopes
        self._count: Dict[str, int] = {}
        self._texts: Dict[Tuple[str, int], str] = {}
        self._named: Dict[Tuple[str, Place], int] = {}  # bytes held when it was named last

    def lines(self, scope: int) -> List[List[Any]]:
        """[file, function, line, hits, net, peak, allocated, held, rss, text], largest first."""
        rows = [[*place, *rest] for place, *rest in self.core.scope_lines(scope)]
        rows.sort(key=lambda r: (max(r[7], 0), r[5], r[6]), reverse=True)
        rest = rows[ROWS:]
        for row in rows[:ROWS]:
            row.append(self._text(row[0], row[2]))
        if not rest:
            return rows
        other = [sum(r[i] for r in rest) for i in range(3, 9)]
        other[2] = max(r[5] for r in rest)  # peaks do not add up
        return [*rows[:ROWS], ["", "(other lines)", 0, *other, ""]]

    def _text(self, file: str, line: int) -> str:
        """The source line; only those asked for are kept."""
        text = self._texts.get((file, line))
        if text is None:
            try:
                with open(file, encoding="utf-8", errors="replace") as f:
                    text = next(islice(f, line - 1, None), "").strip()[:500]
            except OSError:
                text = ""
            if len(self._texts) < TEXTS:
                self._texts[file, line] = text
        return text

    def ended(self, scope: int, function: str) -> None:
        with self._lock:
            scopes = self._scopes.setdefault(function, deque(maxlen=KEPT))
            scopes.append(scope)
            count = self._count[function] = self._count.get(function, 0) + 1
            settled = list(scopes)[:-SETTLED]
        if count % EVERY == 0 and len(settled) >= EVERY - SETTLED:
            for place, held, share in self._growing(settled):
                self._name(function, place, held, int(len(settled)), share)

    def _growing(self, scopes: List[int]) -> List[Tuple[Place, int, float]]:
        """Lines that hold memory of nearly all these invocations, with the sum, largest first."""
        held: Dict[Place, List[int]] = {}
        for scope in scopes:
            here: Dict[Place, int] = {}
            for place, _hits, _net, _peak, _alloc, alive, _rss in self.core.scope_lines(scope):
                here[place] = here.get(place, 0) + alive
            for place, alive in here.items():
                held.setdefault(place, []).append(alive)
        found = []
        for place, values in held.items():
            holding = sum(v > 0 for v in values) / len(scopes)
            if holding >= SHARE and sum(values) >= LEAST_BYTES * len(scopes):
                found.append((place, sum(values), holding))
        return sorted(found, key=lambda row: row[1], reverse=True)

    def _name(self, function: str, place: Place, held: int, n: int, share: float) -> None:
        key = (function, place)
        total = self._count[function] * held // n  # as it has been all along
        if total < 2 * self._named.get(key, 0):
            return
        self._named[key] = total
        file, name, line = place
        each = held / n
        logs.send_line(
            self._host.channel,
            "memline",
            30,
            f"memline: '{function}' leaves memory behind: {file}:{line} in {name} still holds "
            f"{_size(each)} of each invocation ({_size(held)} of {n} that have ended)",
            fields={
                "Function": function,
                "File": file,
                "Line": str(line),
                "BytesPerInvocation": str(int(each)),
                "HeldBytes": str(held),
                "Invocations": str(n),
            },
        )


def _size(n: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if n < 1024:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:.1f} GiB"

"""The C core: recorders of line figures, process memory, books and reports.

Kept true by tests/py/test_core_stub.py. All sizes are bytes; all times are seconds since 1970.
"""

from contextvars import Token
from types import CodeType
from typing import Any, Callable, Dict, Generator, List, Optional, Sequence, Tuple

engine: str  # "monitoring" (3.12+) or "settrace" (3.8-3.11)
version: str  # of memline

# (line, hits, net_bytes, max_bytes, peak_bytes): net = sum of memory after minus before over the
# line's executions; max = highest memory at the end of one; peak = highest rise within one execution
# where the meter can tell (tracemalloc on 3.9+), else 0.
Row = Tuple[int, int, int, int, int]
# (calls, first_bytes, max_bytes): memory at the first entry, highest memory at any entry.
Entry = Tuple[int, int, int]

class Recorder:
    """Counts hits and memory change of each line of the code objects added to it.

    meter: "rss" (gated), "rss-plain" (read at every line), "pss", "uss" or "tracemalloc".
    per_call: figures are kept per outermost call (a call made while no other frame of this recorder
        is open in the same thread or task); when it ends, for whatever reason, on_call(call) is called
        with a list of (code, Entry, list[Row]), one per top-level code that ran, in order of add().
        Otherwise figures accumulate and rows() tells them.
    max_bytes, on_max: on_max(frame, bytes) is called when a line ends at or above max_bytes.
    Errors raised by callbacks go to sys.unraisablehook; KeyboardInterrupt and SystemExit propagate.
    """

    def __init__(
        self,
        *,
        meter: str = "rss",
        include_children: bool = False,
        per_call: bool = False,
        on_call: Optional[Callable[[List[Tuple[CodeType, Entry, List[Row]]]], Any]] = None,
        max_bytes: Optional[int] = None,
        on_max: Optional[Callable[[Any, int], Any]] = None,
    ) -> None: ...
    def add(
        self,
        code: CodeType,
        top: Optional[CodeType] = None,
        *,
        always: bool = False,
        within: bool = False,
    ) -> None:
        """Measure code; idempotent. With top (added before), code's lines are booked on top's sheet
        (nested functions). always: measured without start(), from the next call on; with within,
        only while other code of this recorder is running in the same thread."""
    def start(self) -> None:
        """Measure until the matching stop(); nests. On 3.12+ in all threads, before in this one."""
    def stop(self) -> None: ...
    def rows(self, code: CodeType) -> List[Row]:
        """Rows of a top-level code, in the order in which the lines were first booked."""
    def entry(self, code: CodeType) -> Optional[Entry]: ...
    def clear(self) -> None:
        """Set all figures to zero."""

class Carrier:
    """3.8-3.11: drives a generator or awaitable with the tracer on whenever it runs (see _wrap.py)."""

    def __init__(self, inner: Any) -> None: ...
    def __iter__(self) -> Carrier: ...
    def __await__(self) -> Generator[Any, Any, Any]: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any) -> Any: ...
    def throw(self, *error: Any) -> Any: ...
    def close(self) -> None: ...

def call(function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """The call, with the tracer on in this thread while it runs."""

def set_gate(name: str) -> str:
    """How seldom the resident set is read, in this thread and those to come: "faults", "time" or
    "plain" (at every line); the one that works here is returned."""

# --- process memory (core/proc.h) -------------------------------------------------------------
def memory(pid: int = -1, kind: str = "rss") -> int:
    """Memory of a process, bytes; -1 is this one. kind: "rss", "pss", "uss".
    Raises ProcessLookupError, PermissionError, OSError."""

def children_memory(pid: int = -1, kind: str = "rss") -> List[Tuple[int, int]]:
    """(pid, bytes) of every living descendant; those that vanish meanwhile are left out."""

def peak_reset() -> bool:
    """Set this process's high-water mark back to its current resident set; False if not allowed."""

def peak_memory(pid: int = -1) -> int:
    """A process's resident high-water mark (VmHWM). Raises as memory()."""

class Watcher:
    """Samples a process's memory from a C thread that needs no interpreter lock.

    kind "rss": a peak of the process between two samples, however short, is a sample too (from the
    kernel's high-water mark, which is reset at start when this process is watched).
    """

    ended: bool  # the process watched has ended
    lost: int  # records that could not be written, and samples not taken
    def __init__(
        self,
        pid: int = -1,
        interval: float = 0.1,
        *,
        kind: str = "rss",
        include_children: bool = False,
        each_child: bool = False,
        fd: int = -1,
    ) -> None:
        """include_children: samples are sums over the process and its descendants.
        fd: also write 'MEM %.6f %.4f' lines (MiB, time) there, at most 1 s late; with each_child,
        'CHLD pid %.6f %.4f' for each descendant as well."""
    def start(self) -> None:
        """Once. Raises as memory()."""
    def stop(self) -> List[Tuple[int, float]]:
        """(bytes, time) samples, the first taken at start() and the last at stop(), three or more
        unless the process ended before. Idempotent."""

# --- the account book, for the native front ----------------------------------------------------
def book_open(path: str, replace: bool = False) -> None:
    """Raises OSError with the reason and the next step; RuntimeError if a book is open."""

def book_close(discard: bool = False) -> None:
    """Stop profiling and close the book; nothing happens without one."""

def book_path() -> Optional[str]: ...
def book_meta(key: str, value: str) -> None: ...
def book_source(file: str, text: str) -> None: ...
def book_fork_child() -> None:
    """In a forked child: go on in a book of its own. OSError: its figures will be lost."""

def select(
    *,
    roots: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    skip: Sequence[str] = (),
    functions: Sequence[str] = (),
) -> None:
    """Profile, from now on, every function that these rules name (src/py/rules.h): files below a root
    and not below a skipped folder, or matching an include pattern (fnmatch on the absolute path), and
    matching no exclude pattern. functions: only those whose name or qualified name matches."""

def profile_code(code: CodeType, name: str) -> None:
    """Mark a code object: book its lines from now on."""

def profile_switch(marked: bool, selected: bool) -> None:
    """Let what was marked by hand, and what rules selected, measure or rest. The book stays open;
    selected=False also ends select()."""

def snapshot() -> Dict[str, Any]:
    """{"functions": [{"file", "name", "first_line", "last_line", "rows": [the fields of memline.Row behind
    file and function]}], "scopes": [fields of Scope], "places": [(function index, fields of ScopeRow
    behind function)], "heap": totals or None, "command", "pid", "start", "lost"} of the open book."""

def heap_start(
    mode: str,
    paths: bool = False,
    rate: int = 0,
    seed: int = 0,
    native: bool = False,
    inherit: bool = False,
) -> None:
    """Account for the heap in the open book, from now on: mode "heap" (exact) or "sample"; may be called
    again to change it. paths: keep call paths. rate: mean bytes between samples, 0: adaptive. seed: of
    the sampler, 0: chance. native: also what is allocated without Python.
    inherit: a thread that never runs Python charges the line that started it. RuntimeError without a book,
    OSError if the book has no room."""

def heap_stop() -> None:
    """Account no longer; figures stay in the book."""

def heap_live() -> int:
    """Bytes allocated minus freed since heap_start, by all threads; 0 while off."""

def heap_mark() -> Tuple[int, int]:
    """(net, high) of this thread: allocated minus freed since heap_start, and the highest of that since the
    last mark. Lines that are measured set marks too."""

def heap_status() -> Dict[str, Any]:
    """mode ("line" while off), live_bytes, thread_net_bytes (of this thread), foreign_frees (blocks freed
    that were not seen allocated), stale_blocks, ledger_bytes and ledger_resident_bytes (memline's own),
    hooks_on_top (no other tool in front of our hooks), native."""

def native_report() -> Dict[str, Any]:
    """installed (the hooks are in); provider (whose malloc: "libc.so.6"); loaded objects, those patched, slots
    that hold our functions; waiting (slots not bound yet), other (bound to another's function of that name),
    refused (the system did not let us); n_own_allocators and the names of the first own_allocators (objects
    that export a malloc of their own); lost_maps (mappings that there was no room to note). Looks at all
    objects: some 30 us each."""

def scope_open(name: str, key: str) -> int:
    """A new scope within the current one; 0 while nothing is accounted for, or too many are open."""

def scope_enter(id: int) -> Token[int]:
    """Run this context, and what inherits it, in the scope; the token is for scope_exit."""

def scope_exit(token: Token[int]) -> None:
    """Back to the scope before."""

def scope_switch(id: int) -> int:
    """This thread charges the scope from now on, whatever the context says; the id before."""

def scope_read(id: int) -> Dict[str, int]:
    """net_bytes, peak_bytes, alloc_bytes, held_bytes of a scope so far; zeros for an unknown one."""

def scope_close(id: int) -> Dict[str, int]:
    """End the scope: its row stays in the book. Its figures, as of scope_read."""

def scope_lines(id: int) -> List[Tuple[Tuple[str, str, int], int, int, int, int, int, int]]:
    """((file, function, line), hits, net, peak, alloc, held, rss_net) of the scope's lines; held: alive at
    this moment, also when the scope has ended; empty for one that is no more."""

def scope_current() -> int:
    """The id of this context's scope; 0: none."""

def limits() -> List[Dict[str, Any]]:
    """The memory limits of this process, lowest first: kind ("cgroup v2", "cgroup v1", "address space",
    "machine"), where (a group's folder), bytes, use_bytes (None: unknown)."""

def limit_watch(callback: Optional[Callable[[Dict[str, Any]], None]], root: str = "") -> None:
    """Call back at 80, 90 and 95 % of the tightest limit; None: no more. The dict: percent, kind, where,
    limit_bytes, use_bytes, rate (bytes per second), per_run (bytes per invocation), runs_left: each
    (value, lo, hi) of 95 %, or None. root: a folder that stands for /, for tests."""

def limit_look() -> None:
    """Look now, unless it was looked just before; calls back at once."""

def limit_run_ended() -> None:
    """An invocation has ended: its memory is a point of the forecast. Outermost scopes tell by themselves."""

def size_parse(text: str) -> Optional[int]:
    """Bytes of "64KiB", "1.5 MB" or "4096"; None for other texts."""

def report(
    paths: Sequence[str], *, format: str = "table", options: Optional[Dict[str, str]] = None
) -> str:
    """The report of books, living or saved, summed; formats and options of src/report/report.h.
    Raises OSError (a book cannot be read) or ValueError (an option), with the next step."""

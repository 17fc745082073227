"""CodeMap: the figures of LineProfiler, a real dict.

    code object -> {line: (increment MiB, memory MiB, occurrences)}, lines in order of first booking

Code nested in a function (from co_consts) shares the function's inner dict. Python counts code
objects of two files as equal when they read the same at the same line; here such twins are kept
apart: the second is booked under a key of its own, and looked up by file name.
"""

from __future__ import annotations

import _thread

from . import _source
from ._usage import _get_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, ValuesView

    from ._figures import Figure

    Inner = Dict[int, Figure]


def _nothing() -> None:
    pass


class CodeMap(dict):  # type: ignore[type-arg]  # subclasses of subclasses give their own values
    """Figures of lines by code object; see the module's text for the shape."""

    # What brings the figures up to date before somebody looks at them (set by LineProfiler).
    _refresh: Callable[[], None] = staticmethod(_nothing)  # type: ignore[assignment]

    def __init__(self, include_children, backend):
        # type: (bool, str) -> None
        self.include_children = include_children
        self.backend = backend
        self._toplevel: List[Tuple[str, CodeType, range]] = []

    def add(self, code, toplevel_code=None):
        # type: (CodeType, Optional[CodeType]) -> None
        """Make room for a code object and those nested in it; nothing if it is known."""
        if code in self:
            return
        if toplevel_code is None:
            toplevel_code = code
            _source.remember(code)
            filename = _source.printed_name(code)
            _source.refresh(filename)
            if not _source.lines(filename):
                _complain(filename)
            self._toplevel.append((filename, code, _source.line_range(code)))
            self[code] = {}
        else:
            self[code] = self[toplevel_code]
        for inner in _source.nested(code):
            self.add(inner, toplevel_code=toplevel_code)

    def trace(self, code, lineno, prev_lineno):
        # type: (CodeType, int, Optional[int]) -> None
        """Read memory and book the execution of a line that ends now; prev_lineno is not used.

        For tracers of one's own. What memory was before is what the previous call in this thread
        read; the first line booked for a function is its baseline.
        """
        memory = _get_memory(-1, self.backend, include_children=self.include_children)
        before = self._last_reading(memory)
        inner = self[code]
        old = inner.get(lineno)
        if old is None:
            increment = memory - before if inner else memory
            inner[lineno] = (increment, memory, 1)
            return
        baseline = next(iter(inner)) == lineno == code.co_firstlineno and len(inner) > 1
        increment = old[0] if baseline else old[0] + (memory - before)
        inner[lineno] = (increment, max(old[1], memory), old[2] + 1)

    def _last_reading(self, memory: float) -> float:
        local = self.__dict__.setdefault("_local", _thread._local())
        before = getattr(local, "memory", memory)
        local.memory = memory
        return float(before)

    def items(self):  # type: ignore[no-untyped-def]
        """(file name, iterator of (line, figure or None)) of each function with measurements."""
        self._refresh()
        return self._measured()

    def _measured(self) -> Iterator[Tuple[str, Iterator[Tuple[int, Optional[Figure]]]]]:
        for filename, code, linenos in self._toplevel:
            measures = self[code]
            if measures:
                yield filename, _lines(measures, linenos)

    def values(self):  # type: ignore[no-untyped-def]  # () -> ValuesView[Inner]
        """The inner dicts."""
        self._refresh()
        values: ValuesView[Inner] = super().values()
        return values

    # -- twins: equal code of different files ------------------------------------------------------

    def _keys(self) -> Dict[Any, CodeType]:
        """(file name, code) -> the key that it is booked under; made here: subclasses may not."""
        keys: Dict[Any, CodeType] = self.__dict__.setdefault("_key_of", {})
        return keys

    def __setitem__(self, code: CodeType, inner: Inner) -> None:
        keys = self._keys()
        mark = _mark(code)
        key = keys.get(mark)
        if key is None:
            key = code
            if dict.__contains__(self, code):
                key = code.replace(co_name=f"{code.co_name} in {code.co_filename}")
            keys[mark] = key
        dict.__setitem__(self, key, inner)

    def __getitem__(self, code: CodeType) -> Inner:
        inner: Inner = dict.__getitem__(self, self._keys().get(_mark(code), code))
        return inner

    def __contains__(self, code: object) -> bool:
        key = self._keys().get(_mark(code))
        return key is not None and dict.__contains__(self, key)

    def get(self, code, default=None):  # type: ignore[no-untyped-def]
        """The inner dict of a code object, or default."""
        return self[code] if code in self else default  # noqa: SIM401  # by our own rules

    def codes(self) -> List[CodeType]:
        """The code objects booked here, nested ones after those they are in."""
        return [code for _, code in self._keys()]


def _mark(code: Any) -> Tuple[Any, Any]:
    return getattr(code, "co_filename", None), code


def _lines(measures: Inner, linenos: range) -> Iterator[Tuple[int, Optional[Figure]]]:
    return ((line, measures.get(line)) for line in linenos)


def _complain(filename: str) -> None:
    print("ERROR: Could not find file " + filename)
    if filename.startswith(("ipython-input", "<ipython-input")):
        print(
            "NOTE: %mprun can only be used on functions defined in physical files, and not in the"
            " IPython environment."
        )

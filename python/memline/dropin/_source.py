"""Source lines of profiled code, found by any means there are.

Files, modules in zip archives, notebooks and whatever else registers with linecache. Names are
printed as the code gives them; a relative one is made absolute when first seen, so that a later
os.chdir does no harm. Where there is no source, lines are simply empty: nothing here raises.
"""

from __future__ import annotations

import os
from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional

_absolute: Dict[str, str] = {}  # file name as printed -> where it was when first seen


def printed_name(code: CodeType) -> str:
    """The name of the code's file as reports show it."""
    name = code.co_filename
    return name[:-1] if name.endswith((".pyc", ".pyo")) else name


def remember(code: CodeType, module: Optional[Dict[str, Any]] = None) -> None:
    """Note, while it can be told, where the code's source is; module: its globals."""
    name = printed_name(code)
    if os.path.isabs(name):
        if module is not None and not os.path.exists(name):
            import linecache

            linecache.lazycache(name, module)  # the loader knows: a zip archive
    elif name not in _absolute and os.path.exists(name):
        _absolute[name] = os.path.abspath(name)


def lines(name: str) -> List[str]:
    """All lines of a source file by its printed name; an empty list if there is none."""
    import linecache

    try:
        return linecache.getlines(_absolute.get(name, name))
    except Exception:  # before 3.10 for source that is not in its encoding; loaders raise anything
        return []


def refresh(name: str) -> None:
    """Forget cached lines of a file that has changed on disk."""
    import linecache

    path = _absolute.get(name, name)
    if os.path.exists(path):
        linecache.checkcache(path)


def line_range(code: CodeType) -> range:
    """The lines of a top-level code object's block of source, decorators included."""
    first = code.co_firstlineno
    source = lines(printed_name(code))
    last = max(_code_lines(code), default=first)
    if code.co_name == "<module>":
        return range(1, max(len(source), last) + 1)
    if first <= len(source):
        # The block may go on a little after its last instruction; if it fills what we look at, it
        # may go on further. (Copying the rest of a long file for each function takes its time.)
        part = source[first - 1 : last + 100]
        length = _block_length(part)
        if length == len(part):
            length = _block_length(source[first - 1 :])
        last = max(last, first + length - 1)
    return range(first, last + 1)


def _block_length(source: List[str]) -> int:
    import inspect

    try:
        return len(inspect.getblock(source))
    except Exception:  # not Python after all: the tokenizer may raise many things
        return 0


def _code_lines(code: CodeType) -> Iterator[int]:
    """Line numbers of a code object and of those nested in it."""
    import dis

    for _, line in dis.findlinestarts(code):
        if line is not None:
            yield line
    for inner in nested(code):
        yield from _code_lines(inner)


def nested(code: CodeType) -> Iterator[CodeType]:
    """The code objects directly inside another: functions, lambdas, classes, comprehensions."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant

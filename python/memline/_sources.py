"""Source text that cannot be read from disk later: notebook cells, exec, zip files."""

import linecache
import os
import sys
from typing import Any, Dict

from . import _core

_globals: Dict[str, Any] = {}  # file -> globals of a function in it, for linecache's loaders


def note(function: Any) -> None:
    """Remember how the function's source is found, if it is not an ordinary file."""
    file = function.__code__.co_filename
    if file not in _globals and not os.path.isfile(file):
        _globals[file] = function.__globals__


def keep() -> None:
    """Put the text of every booked file that is not on disk into the book."""
    modules = None
    for function in _core.snapshot()["functions"]:
        file = function["file"]
        if os.path.isfile(file):
            continue
        if file not in _globals:
            if modules is None:
                modules = _module_globals()
            _globals[file] = modules.get(file)
        lines = linecache.getlines(file, _globals[file])
        if lines:
            try:
                _core.book_source(file, "".join(lines))
            except OSError:
                return  # the disk is full: the report goes without


def _module_globals() -> Dict[str, Any]:
    found = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            found[os.path.abspath(file)] = vars(module)
    return found

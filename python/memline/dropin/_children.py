"""`profile` in the processes that a profiled script starts through multiprocessing.

A child started by fork has it already. One started by spawn or forkserver is a new interpreter that
runs the script's main module again: it must find builtins.profile before that. We let the
preparation data, which the child unpickles first, carry an object whose unpickling provides it.
"""

from __future__ import annotations

import builtins
import sys

from . import _line, _timestamper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple

_KEY = "memline_profile"


class _Provide:
    """Unpickled in a child, it makes a profiler like the parent's and sets builtins.profile."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self.options = options

    def __reduce__(self) -> Tuple[Callable[..., Any], Tuple[Any, ...]]:
        return _provide, (self.options,)


def _provide(options: Dict[str, Any]) -> None:
    profiler: Any
    if options["timestamp"]:
        profiler = _timestamper.TimeStamper(options["backend"], options["include_children"])
        if options["file"] is not None:
            profiler.record_to(options["file"])
        _timestamper.activate(profiler)
    else:
        # Counts, but prints nothing: the report is the parent's.
        profiler = _line.LineProfiler(
            backend=options["backend"], include_children=options["include_children"]
        )
    builtins.__dict__["profile"] = profiler
    pass_on(options)


def pass_on(options: Dict[str, Any]) -> None:
    """Have children of this process find a profiler like ours.

    options: timestamp, backend, include_children, file (where a TimeStamper records, or None).
    """
    from multiprocessing import spawn

    original = getattr(spawn.get_preparation_data, "__wrapped__", spawn.get_preparation_data)

    def get_preparation_data(name: str) -> Dict[str, Any]:
        data: Dict[str, Any] = original(name)
        if sys._getframe(1).f_code.co_name == "ensure_running":
            # forkserver's own process, which would import the main module without a profiler.
            data.pop("init_main_from_path", None)
            data.pop("init_main_from_name", None)
        else:
            data[_KEY] = _Provide(options)
        return data

    get_preparation_data.__wrapped__ = original  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data

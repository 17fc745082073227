"""--pdb-mmem: the debugger, entered where memory reached a limit."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any


def enter(frame: FrameType, memory: float, limit: float) -> Any:
    """Say why, and stop in frame at the line about to run, which stays what it is. MiB."""
    import pdb

    sys.stdout.write(f"Current memory {memory:.2f} MiB exceeded the maximum of {limit:.2f} MiB\n")
    sys.stdout.write("Stepping into the debugger \n")
    debugger = pdb.Pdb()
    debugger.set_trace(frame)  # takes effect at the next line only, so:
    debugger.interaction(frame, None)
    if debugger.quitting:
        raise SystemExit(1)
    return debugger.trace_dispatch

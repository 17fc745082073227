"""The report at exit."""

import os
import sys
from typing import Any, Dict

from . import _core
from ._books import family
from ._config import Settings


def options(settings: Settings, terminal: bool) -> Dict[str, Any]:
    """Settings as src/report wants them (texts)."""
    color = settings.color == "always" or (
        settings.color == "auto" and terminal and not os.environ.get("NO_COLOR")
    )
    result = {
        "sort": settings.sort,
        "unit": settings.unit,
        "min": settings.min,
        "skip_zero": "true" if settings.skip_zero else "false",
        "color": "true" if color else "false",
    }
    if terminal:
        try:
            result["width"] = str(os.get_terminal_size(sys.stderr.fileno()).columns)
        except (OSError, ValueError):
            pass
    return result


def print_report(path: str, settings: Settings) -> None:
    """Print the book's report, its children's added, to stderr. Trouble is told, never raised."""
    if not settings.report or sys.stderr is None:
        return
    try:
        terminal = sys.stderr.isatty()
        text = _core.report(
            family(path), format=settings.format, options=options(settings, terminal)
        )
        sys.stderr.write(text)
        if settings.format == "table":
            again = path if settings.output else ""
            sys.stderr.write(
                f"saved in {path}; see it again: memline report {again}".rstrip() + "\n"
            )
        sys.stderr.flush()
    except (OSError, ValueError, MemoryError) as error:
        try:
            sys.stderr.write(f"memline: {error}\n")
        except (OSError, ValueError):
            pass

"""The report at exit."""

import os
import sys
from typing import Any, Dict, List

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
        "scopes": "true" if settings.scopes else "false",
        "color": "true" if color else "false",
    }
    if terminal:
        try:
            result["width"] = str(os.get_terminal_size(sys.stderr.fileno()).columns)
        except (OSError, ValueError):
            pass
    return result


def write_page(books: List[str], path: str) -> None:
    """The books as a page, made by the program ``memline``, which has it in it; OSError otherwise.

    Spawned, not forked: Python 3.12 forks no more once it is at its exit.
    """
    program = os.path.join(os.path.dirname(sys.executable), "memline")
    words = [program, "report", "--html", "--output", path, "--", *books]
    if not os.access(program, os.X_OK):
        raise OSError(f"cannot write '{path}': no program memline at '{program}'")
    _, status = os.waitpid(os.posix_spawn(program, words, os.environ), 0)
    if status == 0:
        sys.stderr.write(f"page written to {path}\n")  # else the program said why not


def print_report(path: str, settings: Settings) -> None:
    """Print the book's report, its children's added, to stderr. Trouble is told, never raised."""
    if not settings.report or sys.stderr is None:
        return
    try:
        if settings.html:
            sys.stderr.flush()
            return write_page(family(path), settings.html)
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

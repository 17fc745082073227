"""Profiling by environment variable, from the start of the interpreter (see memline.pth).

MEMLINE=heap, line, sample   the same in that mode
MEMLINE=on    every line of your own code, as `memline run` does; the report at exit
MEMLINE=off   nothing, not even decorated functions
MEMLINE_FAMILY=BOOK  (set by `memline run --children`) book into BOOK.PID, no report of our own
"""

import os
import sys
from typing import List


def start() -> None:
    """Called by memline.pth when MEMLINE is set, before the program's first line."""
    word = os.environ["MEMLINE"].lower()
    if word not in ("on", "1", "yes", "true", "heap", "line", "sample"):
        return
    from ._config import ConfigError, Settings, project_settings

    try:
        settings = Settings(**project_settings(os.getcwd()))
    except ConfigError as error:
        sys.stderr.write(f"memline: {error}\n")
        return
    if word in ("heap", "line", "sample"):
        settings = settings._replace(mode=word)
    family = os.environ.get("MEMLINE_FAMILY")
    roots = _roots()
    if family:
        settings = settings._replace(output=f"{family}.{os.getpid()}", report=False)
        roots = os.environ.get("MEMLINE_ROOTS", "").split(os.pathsep)
    try:
        from . import _session
    except ImportError as error:
        if "interpreter" in str(error):  # a sub-interpreter of a program that is profiled
            return
        raise

    _session.configure(settings)
    try:
        _session.enable(roots=roots, include=["<string>"] if sys.argv[:1] == ["-c"] else [])
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"memline: {error}\n")


def pass_on(book: str, roots: List[str], mode: str) -> None:
    """Let the Python processes that this one starts book into the same family."""
    os.environ["MEMLINE"] = mode
    os.environ["MEMLINE_FAMILY"] = book
    os.environ["MEMLINE_ROOTS"] = os.pathsep.join(roots)


def _roots() -> List[str]:
    """The folder of the script that is about to start; the current one for -m, -c and the prompt."""
    script = sys.argv[0] if getattr(sys, "argv", None) else ""
    if script in ("", "-c", "-m", "-"):
        return [os.getcwd()]
    return [os.path.dirname(os.path.realpath(script))]

"""Where books are kept when nobody says where: the newest few, for ``memline report``."""

import os
import time
from typing import List

KEPT = 20


def books_folder() -> str:
    """$MEMLINE_BOOKS, else $XDG_STATE_HOME/memline, else ~/.local/state/memline."""
    folder = os.environ.get("MEMLINE_BOOKS")
    if folder:
        return folder
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(
        os.path.expanduser("~"), ".local", "state"
    )
    return os.path.join(state, "memline")


def new_book_path(script: str) -> str:
    """A name for a new book, in the folder (made if missing) or, where that cannot be, in /tmp."""
    folder = books_folder()
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _prune(folder)
    except OSError:
        folder = os.environ.get("TMPDIR") or "/tmp"
    stem = os.path.basename(script) or "python"
    return os.path.join(folder, f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.book")


def _prune(folder: str) -> None:
    """Remove all but the newest books, with their children's."""
    books = [entry for entry in os.scandir(folder) if ".book" in entry.name]
    books.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in books[KEPT - 1 :]:
        try:
            os.unlink(entry.path)
        except OSError:
            pass


def family(path: str) -> List[str]:
    """The book and those of child processes (path.PID, path.PID.PID), the book first."""
    folder, name = os.path.split(path)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        names = []
    behind = len(name) + 1
    children = [
        n for n in names if n.startswith(name + ".") and n[behind:].replace(".", "").isdigit()
    ]
    return [path, *(os.path.join(folder, n) for n in sorted(children))]

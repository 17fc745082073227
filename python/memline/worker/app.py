"""The functions of an app, of both models, found and loaded once at start."""

from typing import Any, Callable, Dict, List, Optional

from . import decorated, errors, extensions, folders, streams
from .function import Function
from .source import Entry


class App:
    def __init__(self, root: str) -> None:
        self._root = root
        self.functions: Dict[str, Function] = {}  # by id
        self._entries: List[Entry] = []
        self._error: Optional[Dict[str, str]] = None

    def index(
        self, script_file: str, wanted: Optional[List[str]], progress: Callable[[str], None]
    ) -> None:
        """Import the user's modules. Errors are kept for the host; only exits of the process get out."""
        wanted = None if wanted is None else [w.lower() for w in wanted]
        try:
            self._entries = decorated.index(self._root, script_file, wanted, progress)
        except (Exception, SystemExit) as e:
            self._error = errors.describe(e, self._root)
            self._error["stack"] = self._error["traceback"]
        try:
            self._add_folders(folders.scan(self._root, wanted, progress))
        except OSError as e:
            self._error = self._error or errors.describe(e, self._root)
        for entry in self._entries:
            if entry.function is not None and entry.error is None:
                self.functions[entry.id] = entry.function
                extensions.loaded(entry.function)

    def _add_folders(self, entries: List[Entry]) -> None:
        """Both forms in one app are served; a name belongs to one function only."""
        taken = {e.name.lower() for e in self._entries}
        for entry in entries:
            if entry.name.lower() in taken:
                entry.function = None
                entry.id = f"{entry.id}-folder"
                entry.fail_config(
                    f"A function named '{entry.name}' is already defined by a decorator."
                )
            self._entries.append(entry)

    def to_frame(self, notices: List[str]) -> Dict[str, Any]:
        stream = streams.enabled()
        frame: Dict[str, Any] = {
            "functions": [e.to_frame(stream) for e in self._entries],
            "error": self._error,
            "notices": notices,
        }
        return frame

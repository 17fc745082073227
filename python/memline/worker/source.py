"""What was found in an app: one entry per function, in the form of the `I` frame."""

import uuid
from typing import Any, Dict, List, Mapping, Optional

from . import errors
from .function import Function


class Entry:
    """A function that was found: runnable (function is set) or in error."""

    def __init__(
        self,
        name: str,
        model: str,
        directory: str,
        script_file: str,
        entry_point: str,
        bindings: List[Mapping[str, Any]],
    ) -> None:
        self.name, self.model, self.directory = name, model, directory
        self.script_file, self.entry_point, self.bindings = script_file, entry_point, bindings
        self.id = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
        self.disabled: Any = None
        self.retry: Optional[Mapping[str, Any]] = None
        self.function: Optional[Function] = None
        self.error: Optional[Dict[str, str]] = None

    def fail(self, exc: BaseException, kind: str, root: str) -> None:
        self.error = dict(errors.describe(exc, root), kind=kind)

    def fail_config(self, text: str) -> None:
        self.error = {"type": "ConfigurationError", "message": text, "stack": "", "kind": "config"}

    def to_frame(self, stream: bool) -> Dict[str, Any]:
        function = self.function
        return {
            "name": self.name,
            "id": self.id,
            "directory": self.directory,
            "script_file": self.script_file,
            "entry_point": self.entry_point,
            "model": self.model,
            "async": function is not None and function.is_async,
            "stream": stream and function is not None and function.http_parameter is not None,
            "disabled": self.disabled,
            "bindings": self.bindings,
            "retry": self.retry,
            "error": self.error,
        }

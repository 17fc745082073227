"""The second programming model: decorators on a FunctionApp in function_app.py.

The module is imported by its stem from the app's root; exactly one of its attributes may be an app
(FunctionApp, AsgiFunctionApp, WsgiFunctionApp). Blueprints arrive through the app's register_functions.
One error fails the whole index.
"""

import importlib
import inspect
import json
import os
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from . import convert, validate
from .errors import with_module_help
from .source import Entry

_VALID_FILE = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py")

# The library's names for a retry policy -> those of function.json, which the host reads.
_STRATEGIES = {"fixed_delay": "fixedDelay", "exponential_backoff": "exponentialBackoff"}
_RETRY_KEYS = {
    "delay_interval": "delayInterval",
    "minimum_interval": "minimumInterval",
    "maximum_interval": "maximumInterval",
}


class InvalidFileNameError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(f"Invalid file name: {name}")


def index(
    root: str, file: str, wanted: Optional[List[str]], progress: Callable[[str], None]
) -> List[Entry]:
    """The app's functions; empty if the file is missing or defines none."""
    if not _VALID_FILE.fullmatch(file):
        raise InvalidFileNameError(file)
    if not os.path.isfile(os.path.join(root, file)):
        return []
    progress(file)
    app = find_app(file)
    if getattr(app, "_function_builders", None) == []:
        return []  # get_functions() would warn of an app without HTTP functions
    entries: List[Entry] = []
    names: Set[str] = set()
    for function in app.get_functions():
        name = function.get_function_name()
        if name.lower() in names:  # releases before 1.21 let it pass
            raise ValueError(f"Function {name} does not have a unique function name.")
        names.add(name.lower())
        if wanted is None or name.lower() in wanted:
            entries.append(_make_entry(root, file, function))
    return entries


def find_app(file: str) -> Any:
    """Import the file and answer the one app in it."""
    try:
        module = importlib.import_module(os.path.splitext(file)[0])
    except ImportError as e:
        raise with_module_help(e) from e.__cause__
    library = convert.library()
    register = getattr(library, "FunctionRegister", None) or getattr(library, "FunctionApp", None)
    if register is None:
        raise ImportError(
            f"azure-functions {library.__version__} knows no decorators: upgrade it, or remove {file}"
        )
    apps = [v for v in vars(module).values() if isinstance(v, register)]
    apps = [v for n, v in enumerate(apps) if not any(v is w for w in apps[:n])]
    if not apps:
        raise ValueError(f"Could not find top level function app instances in {file}.")
    if len(apps) > 1:
        raise ValueError(
            "More than one FunctionApp or other top level function app instances are defined."
        )
    return apps[0]


def _make_entry(root: str, file: str, function: Any) -> Entry:
    name = function.get_function_name()
    bindings = [json.loads(b) for b in function.get_raw_bindings()]
    entry = Entry(
        name, "v2", root, getattr(function, "function_script_file", None) or file, name, bindings
    )
    entry.retry = _retry(function)
    call = function.get_user_function()
    entry.function = validate.make_function(entry.id, name, _directory(call, root), call, bindings)
    return entry


def _directory(call: Callable[..., Any], root: str) -> str:
    """Of the file that defines the function: what context.function_directory tells."""
    try:
        return os.path.dirname(os.path.abspath(inspect.getfile(call)))
    except TypeError:  # a callable object
        return root


def _retry(function: Any) -> Optional[Mapping[str, Any]]:
    try:
        settings = function.get_settings_dict("retry_policy")
    except AttributeError:  # a library without settings
        return None
    if not settings:
        return None
    strategy = str(settings.get("strategy"))
    retry: Dict[str, Any] = {
        "strategy": _STRATEGIES.get(strategy, strategy),
        "maxRetryCount": int(settings.get("max_retry_count") or 0),
    }
    for key, name in _RETRY_KEYS.items():
        if settings.get(key):
            retry[name] = settings[key]
    return retry

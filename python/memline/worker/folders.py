"""The first programming model: a function is a folder with a function.json.

Modules load as __app__.<folder>[.<sub>][.<module>] under a package that exists only in memory and whose
search path is the app's root. A script named __init__.py is its package itself, and runs once only.
"""

import importlib
import importlib.machinery
import importlib.util
import json
import os
import re
import sys
from typing import Any, Callable, Dict, List, Optional

from . import validate
from .errors import with_module_help
from .source import Entry

NAMESPACE = "__app__"
_VALID_NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE)
_MAX_JSON = 4 << 20  # bytes of a function.json

Progress = Callable[[str], None]


class ConfigError(Exception):
    """function.json is wrong; the text is shown to the user."""


def scan(root: str, wanted: Optional[List[str]], progress: Progress) -> List[Entry]:
    """Every function folder of the app, loaded or in error, by name."""
    entries = []
    names = sorted(os.listdir(root), key=str.lower)
    for name in names:
        path = os.path.join(root, name)
        if wanted is not None and name.lower() not in wanted:
            continue
        if os.path.isfile(os.path.join(path, "function.json")):
            entries.append(_load_entry(root, name, progress))
    return entries


def _load_entry(root: str, name: str, progress: Progress) -> Entry:
    directory = os.path.join(root, name)
    entry = Entry(name, "v1", directory, "", "main", [])
    try:
        config = _read_config(directory)
        entry.bindings = [b for b in config.get("bindings") or [] if isinstance(b, dict)]
        entry.disabled = config.get("disabled")
        entry.retry = config.get("retry") if isinstance(config.get("retry"), dict) else None
        entry.entry_point = config.get("entryPoint") or "main"
        check_config(name, config)
        entry.script_file = find_script(directory, config)
    except ConfigError as e:
        entry.fail_config(str(e))
        return entry
    progress(os.path.relpath(entry.script_file, root))
    try:
        call = load(root, name, entry.script_file, entry.entry_point)
        entry.function = validate.make_function(entry.id, name, directory, call, entry.bindings)
    except (Exception, SystemExit) as e:
        entry.fail(e, "load", root)
    return entry


def _read_config(directory: str) -> Dict[str, Any]:
    path = os.path.join(directory, "function.json")
    try:
        with open(path, "rb") as f:
            text = f.read(_MAX_JSON + 1)
        if len(text) > _MAX_JSON:
            raise ConfigError(f"Unable to parse '{path}': it is larger than {_MAX_JSON >> 20} MiB.")
        config = json.loads(text.decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(f"Unable to parse '{path}': {e}") from None
    if not isinstance(config, dict):
        raise ConfigError(f"Unable to parse '{path}': it does not hold an object.")
    return config


def check_config(name: str, config: Dict[str, Any]) -> None:
    """What can be said of a function.json without loading the script; raises ConfigError."""
    if not _VALID_NAME.fullmatch(name) or name.lower() == "host":
        raise ConfigError(f"'{name}' is not a valid function name.")
    bindings = config.get("bindings")
    if (
        not isinstance(bindings, list)
        or not bindings
        or not all(isinstance(b, dict) for b in bindings)
    ):
        raise ConfigError("At least one binding must be declared.")
    triggers = [b for b in bindings if str(b.get("type", "")).lower().endswith("trigger")]
    if len(triggers) > 1:
        raise ConfigError(
            "Multiple trigger bindings defined. A function can only have a single trigger binding."
        )
    if not triggers:
        raise ConfigError(
            "No trigger binding specified. A function must have a trigger input binding."
        )
    seen = set()
    for binding in bindings:
        key = str(binding.get("name", "")).lower()
        if key in seen:
            raise ConfigError(
                f"Multiple bindings with name '{binding.get('name')}' discovered. Binding names must be unique."
            )
        seen.add(key)


def find_script(directory: str, config: Dict[str, Any]) -> str:
    """The absolute path of the function's script; raises ConfigError."""
    named = config.get("scriptFile")
    if named:
        path = os.path.normpath(os.path.join(directory, str(named)))
        if not os.path.isfile(path):
            raise ConfigError(
                "Invalid script file name configuration. The 'scriptFile' property is set to a file that "
                "does not exist."
            )
        return path
    files = [f for f in os.listdir(directory) if os.path.isfile(os.path.join(directory, f))]
    files = [f for f in files if f.lower() != "function.json"]
    path = os.path.join(directory, files[0] if len(files) == 1 else "__init__.py")
    if not os.path.isfile(path):
        raise ConfigError(
            "Unable to determine the primary function script: there is no '__init__.py', and "
            "function.json has no 'scriptFile' property."
        )
    return path


def _register_namespace(root: str) -> None:
    if NAMESPACE in sys.modules:
        return
    spec = importlib.machinery.ModuleSpec(NAMESPACE, None, is_package=True)
    spec.submodule_search_locations = [root]
    sys.modules[NAMESPACE] = importlib.util.module_from_spec(spec)


def load(root: str, name: str, script: str, entry_point: str) -> Callable[..., Any]:
    """Import the script and answer its entry point."""
    _register_namespace(root)
    shown = os.path.relpath(script, root)
    if shown.startswith(os.pardir + os.sep):
        raise RuntimeError(f"cannot load function {name}: {script} is outside of {root}")
    stem, extension = os.path.splitext(shown)
    if extension != ".py":
        raise RuntimeError(f"cannot load function {name}: invalid Python filename {script}")
    parts = [NAMESPACE, *stem.split(os.sep)]
    if parts[-1].lower() == "__init__":
        parts.pop()
    try:
        module = importlib.import_module(".".join(parts))
    except ImportError as e:
        raise with_module_help(e) from e.__cause__
    call = getattr(module, entry_point, None)
    if call is None or not callable(call):
        raise RuntimeError(
            f"cannot load function {name}: function {entry_point}() is not present in {shown}"
        )
    return call  # type: ignore[no-any-return]

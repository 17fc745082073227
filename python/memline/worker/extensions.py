"""Worker extensions of the library (azure.functions.AppExtensionBase, FuncExtensionBase), when asked for.

A hook that raises is reported and skipped: an extension must not fail a function.
"""

import logging
from typing import Any, Dict, Iterable

from . import convert
from .context import Context
from .function import Function
from .logs import system_log

_on = False


def turn_on() -> None:
    global _on
    _on = hasattr(convert.library(), "ExtensionMeta")
    if not _on:
        system_log.warning("worker extensions are not supported by this version of azure-functions")


def loaded(function: Function) -> None:
    if _on:
        _run(function.name, "post_function_load", function.name, function.directory)


def before(function: Function, context: Context, arguments: Dict[str, Any]) -> None:
    if _on:
        _run(function.name, "pre_invocation", context, arguments, logger=True)


def after(function: Function, context: Context, arguments: Dict[str, Any], returned: Any) -> None:
    if _on:
        _run(function.name, "post_invocation", context, arguments, returned, logger=True)


def _run(name: str, hook: str, *values: Any, logger: bool = False) -> None:
    registry = convert.library().ExtensionMeta
    _run_hooks(getattr(registry.get_function_hooks(name), hook, ()), values, logger)
    _run_hooks(getattr(registry.get_application_hooks(), f"{hook}_app_level", ()), values, logger)


def _run_hooks(hooks: Iterable[Any], values: Any, logger: bool) -> None:
    for hook in hooks:
        try:
            hook.ext_impl(*((logging.getLogger(hook.ext_name),) if logger else ()), *values)
        except Exception as e:
            system_log.error("extension %s failed: %s", hook.ext_name, e, exc_info=e)

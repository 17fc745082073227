"""Settings: the table [tool.memline] of pyproject.toml, the environment, the command line."""

import os
import sys
from typing import Any, Dict, List, NamedTuple, Optional


class Settings(NamedTuple):
    """What to profile and how to report it.

    include, exclude: fnmatch patterns; one without a slash at its start is matched anywhere in the path.
    functions: patterns on names and qualified names. output: where the book is kept, None for a
    temporary one. mode: heap (exact), line (hits and resident memory) or sample. stacks: keep call paths.
    rate: mean bytes between samples, or auto. seed: of the sampler, 0 for chance. html: write the report
    there as a page, instead. format, sort, unit, min, skip_zero, scopes, color: as of ``memline report``.
    native: also what is allocated without Python. inherit:
    native threads charge the line that started them.
    """

    include: List[str] = []
    exclude: List[str] = []
    functions: List[str] = []
    output: Optional[str] = None
    report: bool = True
    format: str = "table"
    sort: str = "line"
    unit: str = "auto"
    min: str = "0"
    skip_zero: bool = False
    scopes: bool = False
    color: str = "auto"
    gate: str = "faults"
    children: bool = False
    mode: str = "heap"
    stacks: bool = False
    rate: str = "auto"
    seed: int = 0
    html: Optional[str] = None
    native: bool = True
    inherit: bool = False


class ConfigError(ValueError):
    """A setting that cannot be used; the message names it and what is allowed."""


CHOICES = {
    "format": ("table", "json", "csv", "speedscope", "collapsed"),
    "sort": ("line", "net", "max", "hits", "held", "peak", "alloc"),
    "unit": ("auto", "B", "KiB", "MiB", "GiB"),
    "color": ("auto", "always", "never"),
    "gate": ("faults", "time", "plain"),
    "mode": ("heap", "line", "sample"),
}


def checked(values: Dict[str, Any], where: str) -> Dict[str, Any]:
    """The values with names and types as in Settings; ConfigError otherwise."""
    defaults = Settings()
    result = {}
    for name, value in values.items():
        name = name.replace("-", "_")
        if name not in Settings._fields:
            raise ConfigError(f"unknown setting '{name}' in {where}")
        like = getattr(defaults, name)
        if isinstance(like, list) and isinstance(value, str):
            value = [value]
        if isinstance(like, list):
            good = isinstance(value, list) and all(isinstance(v, str) for v in value)
        else:
            good = isinstance(value, str if like is None else type(like))
        if not good or value not in CHOICES.get(name, (value,)):
            allowed = " or ".join(CHOICES.get(name, ()))
            raise ConfigError(
                f"bad value {value!r} for '{name}' in {where}"
                + (f"; use {allowed}" if allowed else "")
            )
        result[name] = value
    return result


def project_settings(start: str) -> Dict[str, Any]:
    """[tool.memline] of the nearest pyproject.toml at or above the folder; empty without one.

    MEMLINE_CONFIG names another file; empty, it means none.
    """
    path = os.environ.get("MEMLINE_CONFIG")
    if path is None:
        path = _nearest(os.path.abspath(start))
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as f:
            table = _tool_table(f.read(), path)
    except OSError as error:
        raise ConfigError(f"cannot read '{path}': {error.strerror}") from None
    return checked(table, f"[tool.memline] of '{path}'")


def _nearest(folder: str) -> str:
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent


def _tool_table(text: str, path: str) -> Dict[str, Any]:
    if "[tool.memline]" not in text:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib

        try:
            return tomllib.loads(text)["tool"]["memline"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"cannot read '{path}': {error}") from None
    from ._toml import table

    try:
        return table(text, "tool.memline")
    except ValueError as error:
        raise ConfigError(f"cannot read '{path}': {error}") from None

"""memory_profiler for apps that import it: the installed one stands; where there is none, ours.

A finder at the end of sys.meta_path is asked only when nobody else found the module, so whatever is
installed in the user's environment wins. MEMLINE_MEMORY_PROFILER=memline turns that round: ours is then found
first. `memline` itself is taken from the user's environment, else from beside this shim.
"""

import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, List, Optional, Sequence

_SETTING = "MEMLINE_MEMORY_PROFILER"
# The package memline that this shim is a part of.
_BESIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Finder:
    """Finds the modules of these names, of memory_profiler and memline.

    Without the base class of importlib.abc, whose import costs half a MiB."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname not in self._names:
            return None
        if fullname == "memline" and _fits():
            return importlib.util.spec_from_file_location(
                "memline",
                os.path.join(_BESIDE, "__init__.py"),
                submodule_search_locations=[_BESIDE],
            )
        if fullname == "memory_profiler":
            return importlib.machinery.ModuleSpec(fullname, _alias(), origin="memline.dropin")
        return None


def _fits() -> bool:
    """Is the extension beside this shim made for this interpreter?"""
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    return any(os.path.isfile(os.path.join(_BESIDE, "_core" + s)) for s in suffixes)


class Alias:
    """A loader: loads memory_profiler as another name of memline.dropin.memory_profiler."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None  # an ordinary, empty one, for the moment

    def exec_module(self, module: ModuleType) -> None:
        try:
            from memline.dropin import memory_profiler
        except ImportError as e:
            raise ImportError(
                f"memory_profiler is not installed, and memline's own cannot be used ({e}); "
                f"try: {sys.executable} -m pip install memline",
                name="memory_profiler",
            ) from None
        sys.modules["memory_profiler"] = memory_profiler


def _alias() -> Any:
    return Alias()


def install() -> None:
    sys.meta_path.append(Finder("memline", "memory_profiler"))
    if os.environ.get(_SETTING, "").lower() == "memline":
        sys.meta_path.insert(0, Finder("memory_profiler"))


def notices() -> List[str]:
    """One line for an app that runs the original."""
    module = sys.modules.get("memory_profiler")
    if module is None or module is sys.modules.get("memline.dropin.memory_profiler"):
        return []
    return [
        f"This app uses the original memory_profiler {getattr(module, '__version__', '')}. For memline's "
        f'right and faster figures set "{_SETTING}": "memline" under Values in local.settings.json.'
    ]

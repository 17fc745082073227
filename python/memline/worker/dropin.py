"""memory_profiler for apps that import it: the installed one stands; where there is none, ours.

A finder at the end of sys.meta_path is asked only when nobody else found the module, so whatever is
installed in the user's environment wins. MEMLINE_MEMORY_PROFILER=memline turns that round: ours is then found
first. `memline` itself is taken from the user's environment, else from beside this shim.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, List, Optional, Sequence

_SETTING = "MEMLINE_MEMORY_PROFILER"
_BESIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # the package memline of the host


class Finder(importlib.abc.MetaPathFinder):
    """Finds memory_profiler and memline when nobody else does."""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname == "memline" and os.path.isfile(os.path.join(_BESIDE, "__init__.py")):
            return importlib.util.spec_from_file_location(
                "memline", os.path.join(_BESIDE, "__init__.py"), submodule_search_locations=[_BESIDE]
            )
        if fullname == "memory_profiler":
            return importlib.machinery.ModuleSpec(fullname, Alias(), origin="memline.dropin")
        return None


class Alias(importlib.abc.Loader):
    """Loads memory_profiler as another name of memline.dropin."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        try:
            import memline.dropin
        except ImportError as e:
            raise ImportError(
                f"memory_profiler is not installed, and memline's own cannot be used ({e}); "
                f"try: {sys.executable} -m pip install memline",
                name="memory_profiler",
            ) from None
        return memline.dropin

    def exec_module(self, module: ModuleType) -> None:
        sys.modules["memory_profiler"] = module


def install() -> None:
    finder = Finder()
    if os.environ.get(_SETTING, "").lower() == "memline":
        sys.meta_path.insert(0, finder)
    else:
        sys.meta_path.append(finder)


def notices() -> List[str]:
    """One line for an app that runs the original."""
    module = sys.modules.get("memory_profiler")
    if module is None or module.__name__ != "memory_profiler" or hasattr(module, "__memline__"):
        return []
    if (getattr(module, "__file__", None) or "").startswith(_BESIDE):
        return []
    return [
        f"This app uses memory_profiler {getattr(module, '__version__', '')} as installed. "
        f"For exact and faster figures from memline set {_SETTING}=memline in local.settings.json."
    ]

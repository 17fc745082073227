"""Runs a script or module under a profiler, as the real `__main__`."""

from __future__ import annotations

import builtins
import io
import os
import sys
import types

from . import _tracing
from ._usage import choose_backend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple


def _find_script(script_name):
    # type: (str) -> str
    """The path of a script: as given, or in the folders of PATH. Exits with status 1 if none."""
    if os.path.isfile(script_name):
        return script_name
    for folder in os.getenv("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, script_name)
        if folder and os.path.isfile(path):
            return path
    sys.stderr.write(f"Could not find script {script_name}\n")
    raise SystemExit(1)


def exec_with_profiler(filename, profiler, backend, passed_args=[]):  # noqa: B006
    # type: (str, Any, str, List[str]) -> None
    """Run a script file; profiler becomes builtins.profile. sys.modules['__main__'] comes back."""
    previous = sys.modules.get("__main__")
    try:
        run_script(filename, profiler, backend, passed_args)
    finally:
        _put_main(previous)


def run_module_with_profiler(module, profiler, backend, passed_args=[]):  # noqa: B006
    # type: (str, Any, str, List[str]) -> None
    """Run a module as `python -m` does; profiler becomes builtins.profile.

    ImportError if there is no such module. sys.modules['__main__'] comes back.
    """
    previous = sys.modules.get("__main__")
    try:
        run_module(module, profiler, backend, passed_args)
    finally:
        _put_main(previous)


def run_script(filename: str, profiler: Any, backend: str, passed_args: List[str]) -> None:
    """As exec_with_profiler, but the script stays `__main__`: its threads and children need it."""
    from importlib.machinery import SourceFileLoader

    with io.open_code(os.path.abspath(filename)) as file:
        source = file.read()
    main = _main_module(__file__=filename, __loader__=SourceFileLoader("__main__", filename))
    sys.path.insert(0, os.path.dirname(os.path.abspath(filename)))
    sys.argv = [filename, *passed_args]
    _execute(compile(source, filename, "exec", dont_inherit=True), main, profiler, backend)


def run_module(module: str, profiler: Any, backend: str, passed_args: List[str]) -> None:
    """As run_module_with_profiler, but the module stays `__main__`."""
    spec, code = find_module(module)
    main = _main_module(
        __file__=spec.origin,
        __loader__=spec.loader,
        __package__=spec.parent,
        __cached__=spec.cached,
        __spec__=spec,
    )
    sys.argv = [module, *passed_args]
    _execute(code, main, profiler, backend)


def find_module(module: str) -> Tuple[Any, types.CodeType]:
    """Spec and code of what `python -m module` runs. Raises ImportError."""
    from importlib.util import find_spec

    spec = find_spec(module)
    if spec is not None and spec.submodule_search_locations is not None:
        module += ".__main__"
        from importlib.util import find_spec

    spec = find_spec(module)
    if spec is None:
        raise ImportError(f"No module named {module}", name=module)
    get_code = getattr(spec.loader, "get_code", None)
    code: Optional[types.CodeType] = get_code(module) if get_code is not None else None
    if code is None:
        raise ImportError(f"No code object available for {module}", name=module)
    return spec, code


def _main_module(**attributes: Any) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__dict__.update({"__builtins__": builtins, "__cached__": None, "__annotations__": {}})
    main.__dict__.update(attributes)
    return main


def _execute(code: types.CodeType, main: types.ModuleType, profiler: Any, backend: str) -> None:
    builtins.__dict__["profile"] = profiler
    sys.modules["__main__"] = main
    release = _tracing.hold() if choose_backend(backend) == "tracemalloc" else None
    try:
        exec(code, main.__dict__)
    finally:
        if release is not None:
            release()


def _put_main(main: Optional[types.ModuleType]) -> None:
    modules: Dict[str, types.ModuleType] = sys.modules
    if main is None:
        modules.pop("__main__", None)
    else:
        modules["__main__"] = main

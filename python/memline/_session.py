"""The process's profile: one account book, what is booked in it, and the report at exit."""

import atexit
import os
import sys
from types import CodeType, FrameType, TracebackType
from typing import Any, Dict, List, Optional, Sequence, Type, Union

from . import _core, _sources, _wrap
from ._books import new_book_path
from ._config import Settings, project_settings
from ._snapshot import Snapshot

command = ""  # what the report calls the run; default the interpreter's own arguments
_settings = Settings()
_configured = False
_owner = 0  # the process that opened the book; 0: the report at exit is not arranged
_selecting = False
_key = object()  # marks functions that this module has decorated


def is_off() -> bool:
    """Switched off from outside: ``MEMLINE=off`` (or ``0``)."""
    return os.environ.get("MEMLINE", "").lower() in ("off", "0", "no", "false")


def configure(settings: Settings) -> None:
    """Use these settings instead of those of pyproject.toml, from now on."""
    global _settings, _configured
    _settings = settings
    _configured = True


def settings() -> Settings:
    """The settings in force; read from pyproject.toml at first use."""
    if not _configured:
        configure(Settings(**project_settings(os.getcwd())))
    return _settings


def open_book() -> None:
    """Open the account book unless one is open, and see to the report at exit."""
    if _core.book_path() is not None:
        return
    now = settings()
    _core.set_gate(now.gate)
    path = now.output or new_book_path(sys.argv[0] if getattr(sys, "argv", None) else "")
    _core.book_open(path, bool(now.output))
    _core.book_meta("command", command or " ".join(getattr(sys, "orig_argv", sys.argv)))
    _core.book_meta("python", sys.version.split()[0])
    _core.book_meta("engine", _core.engine)
    _set_mode(now)
    _core.limit_watch(_near_limit)
    global _owner
    if not _owner:
        atexit.register(_finish)
        os.register_at_fork(after_in_child=_after_fork)
    _owner = os.getpid()


def _near_limit(crossing: Dict[str, Any]) -> None:
    from ._limits import on_crossing  # not before it is needed

    on_crossing(crossing)


def _set_mode(now: Settings) -> None:
    """Account for the heap as the settings say, in the open book."""
    _core.book_meta("mode", now.mode)
    if now.mode == "line":
        _core.heap_stop()
    else:
        _core.heap_start(now.mode, now.stacks, _rate(now.rate), now.seed, now.native, now.inherit)
        _tell_not_counted()


def _tell_not_counted() -> None:
    """Note in the book what of native memory cannot be seen, if there is any."""
    told = _core.native_report()
    if not told["installed"]:
        return
    parts = []
    names, n = told["own_allocators"], told["n_own_allocators"]
    if n:
        more = f" and {n - len(names)} more" if n > len(names) else ""
        own = (
            "which has an allocator of its own" if n == 1 else "which have allocators of their own"
        )
        parts.append(f"blocks of {', '.join(names)}{more}, {own}")
    if told["refused"]:
        parts.append(f"what {told['refused']} call sites allocate that the system kept read-only")
    if told["lost_maps"]:
        parts.append(f"{told['lost_maps']} mappings, of too many")
    if parts:
        _core.book_meta("not counted", "; ".join(parts))


def _rate(text: str) -> int:
    """Bytes between samples; 0 for auto."""
    if text == "auto":
        return 0
    size = _core.size_parse(text)
    if size is None or size == 0:
        raise ValueError(f"bad value {text!r} for 'rate'; use auto or a size such as 512KiB")
    return size


def _after_fork() -> None:
    try:
        _core.book_fork_child()
    except OSError as error:
        print(f"memline: {error}", file=sys.stderr)


def _finish() -> None:
    """At exit: stop, keep what the report needs; the process that opened the book prints it."""
    path = _core.book_path()
    if path is None:
        return
    _core.limit_watch(None)
    _core.profile_switch(False, False)
    _sources.keep()
    _tell_not_counted()
    _core.book_close()
    if os.getpid() == _owner:
        from ._report import print_report

        print_report(path, settings())


# --- the public face --------------------------------------------------------------------------------


def profile(func: Any = None, **options: Any) -> Any:
    """Book every line of a function, a method of any kind, a property or a class's own methods.

    Use as ``@profile`` or ``@profile()``. On Python 3.12 and newer the very same object comes back;
    before, functions get a wrapper of the same kind. Options: ``name`` for the report (str; default the
    qualified name). Raises TypeError for unknown ones.
    """
    name = options.pop("name", None)
    if options:
        raise TypeError(f"profile() got an unexpected option {next(iter(options))!r}")
    if func is None:
        return lambda f: profile(f, name=name)
    if is_off():
        return func
    open_book()

    def hook(function: Any) -> Any:
        code = _wrap.own_code(function)
        _core.profile_code(code, name or function.__qualname__)
        _sources.note(function)
        return _wrap.traced(function)

    return _wrap.decorate(func, hook, _key)


def enable(
    *,
    roots: Union[None, str, Sequence[str]] = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    functions: Sequence[str] = (),
) -> None:
    """Book every line of your own code from now on, in all threads.

    Your own code: files below ``roots`` (default: the folder of the running script, else the current
    one) that are not in site-packages or the standard library. include, exclude: fnmatch patterns on
    paths; functions: on names. Those of pyproject.toml are added. Code objects that a previous
    ``enable`` has turned down stay out.
    """
    global _selecting
    if is_off():
        return
    open_book()
    now = settings()
    if roots is None:
        roots = [own_folder()]
    elif isinstance(roots, str):
        roots = [roots]
    _core.profile_switch(True, True)
    _core.select(
        roots=[os.path.abspath(r) for r in roots],
        include=[pattern(p) for p in [*include, *now.include]],
        exclude=[pattern(p) for p in [*exclude, *now.exclude]],
        skip=foreign_folders(),
        functions=[*functions, *now.functions],
    )
    _selecting = True


def start(mode: str = "heap", **rules: Any) -> None:
    """Book your own code from now on; ``mode``: "heap" (every allocation, exactly), "line" (hits and
    resident memory) or "sample" (some allocations that stand for all; cheap enough to leave on).

    May be called again, to change the mode while the program runs. ``stacks``, ``rate``, ``seed``,
    ``native``, ``inherit``: as of ``memline run``; other arguments as of ``enable``. Raises ValueError
    for an unknown mode.
    """
    from ._config import checked

    given = {"mode": mode}
    for name in ("stacks", "rate", "seed", "native", "inherit"):
        if name in rules:
            given[name] = rules.pop(name)
    now = settings()._replace(**checked(given, "memline.start()"))
    if is_off():
        return
    is_open = _core.book_path() is not None
    configure(now)
    if is_open:
        _set_mode(now)
    enable(**rules)


def stop() -> None:
    """Stop booking and accounting; figures stay, and the report comes at exit."""
    disable()
    _core.heap_stop()


def disable() -> None:
    """Stop booking, decorated functions included, until the next ``enable()``; figures stay."""
    global _selecting
    _selecting = False
    _core.profile_switch(False, False)


def snapshot() -> Snapshot:
    """The figures so far. Empty if nothing was profiled yet."""
    if _core.book_path() is None:
        return Snapshot({"functions": []})
    return Snapshot(_core.snapshot())


class Profiling:
    """``with memline.profiling() as run:`` books your own code while the block runs.

    Arguments as of ``enable``. Afterwards ``run.snapshot`` has the figures, those of before the block
    not subtracted. The block's own function is booked too.
    """

    snapshot: Snapshot

    def __init__(self, **rules: Any) -> None:
        self._rules = rules
        self.snapshot = Snapshot({"functions": []})

    def __enter__(self) -> "Profiling":
        if is_off():
            return self
        self._was_selecting = _selecting
        enable(**self._rules)
        caller = sys._getframe(1)
        _core.profile_code(caller.f_code, _name_of(caller))
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        global _selecting
        if is_off():
            return
        _selecting = self._was_selecting
        _core.profile_switch(True, _selecting)
        self.snapshot = snapshot()


def _name_of(frame: FrameType) -> str:
    code: CodeType = frame.f_code
    return getattr(code, "co_qualname", code.co_name)


# --- whose code is it? --------------------------------------------------------------------------------


def own_folder() -> str:
    """The folder of the running script, or the current one."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return os.path.dirname(os.path.abspath(file)) if file else os.getcwd()


def foreign_folders() -> List[str]:
    """Folders that hold other people's code, wherever the roots are."""
    library = os.path.dirname(os.path.abspath(os.__file__))
    return ["site-packages", "dist-packages", library, os.path.dirname(os.path.abspath(__file__))]


def pattern(text: str) -> str:
    """A pattern for absolute paths: ``*.py`` or ``tests/*`` match anywhere in the path."""
    return text if text.startswith(("/", "*", "<")) else "*/" + text

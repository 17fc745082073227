"""Exceptions as the host shows them: one line, a stack of the user's frames, and the full text."""

import os
import sys
import traceback
from types import TracebackType
from typing import Dict, List, Optional, Tuple

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STDLIB = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
_TEXT_LIMIT = 256 << 10  # characters of a message or a traceback
UNPRINTABLE = "Unhandled exception in function. Could not serialize original exception message."


class FunctionLoadError(RuntimeError):
    """A function whose bindings and parameters do not fit."""

    def __init__(self, function: str, text: str) -> None:
        super().__init__(f"cannot load the {function} function: {text}")


def cut(text: str, limit: int = _TEXT_LIMIT) -> str:
    return (
        text if len(text) <= limit else text[:limit] + f"... [{len(text) - limit} more characters]"
    )


def message(exc: BaseException) -> str:
    """`TypeName: text`, whatever the exception's __str__ does."""
    try:
        return cut(f"{type(exc).__name__}: {exc}")
    except Exception:
        return UNPRINTABLE


def _is_ours(filename: str) -> bool:
    return filename.startswith(_HERE) or filename.startswith("<frozen importlib")


def _is_stdlib(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return True
    real = os.path.realpath(filename)
    return "site-packages" not in real and real.startswith(_STDLIB)


def _is_users(filename: str, root: Optional[str]) -> bool:
    return (
        root is not None
        and filename.startswith(root + os.sep)
        and "site-packages" not in filename
        and not _is_ours(filename)
    )


def _trim(exc: BaseException, root: Optional[str]) -> Optional[TracebackType]:
    """The traceback from the first frame of the user's on; all of it if there is none."""
    first_foreign = None
    at = exc.__traceback__
    while at is not None:
        filename = at.tb_frame.f_code.co_filename
        if _is_users(filename, root):
            return at
        if first_foreign is None and not _is_ours(filename) and not _is_stdlib(filename):
            first_foreign = at
        at = at.tb_next
    if first_foreign is None and isinstance(exc, SyntaxError):
        return None  # the place is in the message, and only the import machinery ran
    return first_foreign or exc.__traceback__


def describe(exc: BaseException, root: Optional[str] = None) -> Dict[str, str]:
    """type, message, stack (frames only) and traceback (with causes) for the error field of a frame."""
    tb = _trim(exc, root)
    try:
        frames = [f for f in traceback.extract_tb(tb) if not _is_ours(f.filename)]
        stack = "".join(traceback.format_list(frames or traceback.extract_tb(exc.__traceback__)))
    except Exception:
        stack = ""
    return {
        "type": type(exc).__name__,
        "message": message(exc),
        "stack": cut(stack),
        "traceback": full_text(exc, tb),
    }


def full_text(exc: BaseException, tb: Optional[TracebackType]) -> str:
    """The traceback as Python prints it, causes and groups included, without the shim's own frames."""
    try:
        parts: List[str] = list(traceback.TracebackException(type(exc), exc, tb).format())
        return cut("".join(parts))
    except Exception:
        return message(exc)


ExcInfo = Tuple[Optional[type], Optional[BaseException], Optional[TracebackType]]


def describe_logged(info: ExcInfo, root: Optional[str]) -> Optional[Dict[str, str]]:
    """The exception of a log record (logging.exception), or None."""
    exc = info[1] if isinstance(info, tuple) and len(info) == 3 else None
    if not isinstance(exc, BaseException):
        return None
    text = full_text(exc, _trim(exc, root))
    return {"type": type(exc).__name__, "message": message(exc), "traceback": text}


_HELP = (
    "Cannot find module. Please check the requirements.txt file for the missing module. For more info, "
    "please refer the troubleshooting guide: https://aka.ms/functions-modulenotfound."
)


def with_module_help(exc: ImportError) -> ImportError:
    """The same ImportError, its text extended by what to do and where was looked."""
    text = (exc.msg or str(exc) or "").rstrip(".")
    try:
        extended = type(exc)(f"{text}. {_HELP} Current sys.path: {sys.path}")
    except TypeError:  # a class of the user's with a constructor of its own
        return exc
    extended.name, extended.path = exc.name, exc.path
    return extended.with_traceback(exc.__traceback__)

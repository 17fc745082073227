"""From whatever may be decorated to the plain Python functions in it, and how those are measured."""

from __future__ import annotations

import functools
import sys
import types
import warnings
import weakref
from itertools import count
from types import CodeType, FunctionType

from . import _core

TYPE_CHECKING = False  # as in typing, whose import would cost more than all of ours
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Set, Tuple

    Hook = Callable[[FunctionType], Callable[..., Any]]

# Kinds of code (co_flags), as in the module inspect, which would cost 8 ms to import.
GENERATOR, COROUTINE, ASYNC_GENERATOR = 0x20, 0x80, 0x200

MONITORING = _core.engine == "monitoring"

# Functions that a hook has taken, each with the hooks' keys: a second decoration is one report.
_taken: weakref.WeakKeyDictionary[Any, Set[Any]] = weakref.WeakKeyDictionary()


def decorate(obj: Any, hook: Hook, key: Any = None) -> Any:
    """Put ``hook(function)`` in the place of each plain Python function in ``obj``; return the whole.

    Functions, methods of every kind, properties, partials, cached functions, callable objects and classes
    are looked into; ``__wrapped__`` is followed to the user's own code. A function that ``key`` (any
    hashable) has decorated before is left as it is. What has no Python code gives a ``UserWarning`` and
    is returned unchanged.
    """
    if isinstance(obj, FunctionType):
        return _function(obj, hook, key)
    if isinstance(obj, type):
        return _class(obj, hook, key)
    if isinstance(obj, (staticmethod, classmethod)):
        return type(obj)(decorate(obj.__func__, hook, key))
    if isinstance(obj, property):
        get, put, drop = (f and decorate(f, hook, key) for f in (obj.fget, obj.fset, obj.fdel))
        return type(obj)(get, put, drop, obj.__doc__)
    if isinstance(obj, functools.cached_property):
        obj.func = decorate(obj.func, hook, key)
        return obj
    if isinstance(obj, functools.partialmethod):
        return functools.partialmethod(decorate(obj.func, hook, key), *obj.args, **obj.keywords)
    if isinstance(obj, functools.partial):
        return type(obj)(decorate(obj.func, hook, key), *obj.args, **obj.keywords)
    if isinstance(obj, types.MethodType):
        return types.MethodType(decorate(obj.__func__, hook, key), obj.__self__)
    if _is_cached(obj):
        return _cached(obj, hook, key)
    return _object(obj, hook, key)


def _function(function: Any, hook: Hook, key: Any) -> Any:
    inner = _wrapped(function)
    if _known(function, key):
        return function
    if inner is None:
        result = hook(function)
        _note(function, key)
        _note(result, key)
        return result
    result = decorate(inner, hook, key)
    if result is not inner and not _replace(function, inner, result):
        function = traced(function)  # it calls the inner one in a way of its own
    _note(function, key)
    return function


def _wrapped(function: FunctionType) -> Any:
    """What a functools.wraps decorator wraps, or None."""
    inner = getattr(function, "__wrapped__", None)
    return inner if callable(inner) and inner is not function else None


def _known(function: Any, key: Any) -> bool:
    try:
        return key in _taken.get(function, ())
    except TypeError:  # not hashable, or no weak references
        return False


def _note(function: Any, key: Any) -> None:
    try:
        _taken.setdefault(function, set()).add(key)
    except TypeError:
        pass


def _replace(outer: FunctionType, inner: Any, new: Any) -> bool:
    """Let the wrapper `outer` call `new` where it called `inner`; True if a place was found."""
    found = False
    for cell in outer.__closure__ or ():
        try:
            if cell.cell_contents is inner:
                cell.cell_contents = new
                found = True
        except ValueError:  # an empty cell
            continue
    if not found:
        return False
    outer.__wrapped__ = new  # type: ignore[attr-defined]
    return True


def _is_cached(obj: Any) -> bool:
    return hasattr(obj, "cache_info") and hasattr(obj, "__wrapped__")


def _cached(obj: Any, hook: Hook, key: Any) -> Any:
    """functools.lru_cache keeps its function where nobody can reach it: make the cache anew."""
    inner = obj.__wrapped__
    new = decorate(inner, hook, key)
    if new is inner:
        return obj
    parameters = getattr(obj, "cache_parameters", None)
    if parameters is not None:
        settings = parameters()
    else:  # before 3.9
        settings = {"maxsize": obj.cache_info().maxsize, "typed": False}
    return functools.lru_cache(**settings)(new)


def _class(cls: type, hook: Hook, key: Any) -> type:
    """The class itself, its own methods and properties measured; inherited ones are left alone."""
    kinds = (FunctionType, staticmethod, classmethod, property, functools.cached_property)
    for name, value in list(vars(cls).items()):
        if not isinstance(value, kinds) and not _is_cached(value):
            continue
        function = getattr(value, "__func__", value)
        if isinstance(function, FunctionType) and function.__module__ != cls.__module__:
            continue
        new = decorate(value, hook, key)
        if new is not value:
            setattr(cls, name, new)
    return cls


def _object(obj: Any, hook: Hook, key: Any) -> Any:
    """A callable object: its class's ``__call__``; other objects with ``__wrapped__``: what they wrap."""
    inner = getattr(obj, "__wrapped__", None)
    if isinstance(inner, FunctionType):
        decorate(inner, hook, key)
        if MONITORING:
            return obj
    call = getattr(type(obj), "__call__", None)  # noqa: B004  the function itself
    if isinstance(call, FunctionType):
        new = decorate(call, hook, key)
        if new is not call:
            type(obj).__call__ = new
        return obj
    warnings.warn(f"Could not extract a code object for the object {obj!r}", stacklevel=4)
    return obj


# --- measuring one function -----------------------------------------------------------------------

_numbers = count(1)
_own: weakref.WeakKeyDictionary[Any, CodeType] = weakref.WeakKeyDictionary()  # what own_code gave


def own_code(function: FunctionType) -> CodeType:
    """Give the function a code object that no other function has, and return it.

    Functions made by one ``def`` share theirs, and equal functions of two files have equal ones; figures
    are kept per code object, so each measured function gets its own, with own ones for the functions
    inside it. What it does stays the same.
    """
    code = function.__code__
    if _own.get(function) is code:
        return code
    marked = _own_consts(code) + (("memline", next(_numbers)),)
    changes: Dict[str, Any] = {"co_consts": marked}
    if sys.version_info >= (3, 13):
        changes["co_code"] = _with_close_events(code)
    function.__code__ = _own[function] = code.replace(**changes)
    return function.__code__


def _own_consts(code: CodeType) -> Tuple[Any, ...]:
    """The constants, code objects among them copied."""
    return tuple(
        c.replace(co_consts=_own_consts(c)) if isinstance(c, CodeType) else c
        for c in code.co_consts
    )


def _with_close_events(code: CodeType) -> bytes:
    """3.13 ends a generator that is closed outside a try block without running it, so no event would
    tell; it reads that from a bit behind each yield (see ML_RESUME_DEPTH1_BIT in py/pycompat.h)."""
    if not code.co_flags & (GENERATOR | COROUTINE | ASYNC_GENERATOR):
        return code.co_code
    import opcode

    resume = opcode.opmap["RESUME"]
    data = bytearray(code.co_code)
    for at in range(0, len(data), 2):
        if data[at] == resume:
            data[at + 1] &= ~4
    return bytes(data)


def add_nested(recorder: _core.Recorder, code: CodeType, top: CodeType, always: bool) -> None:
    """The code objects inside `code` are booked on the lines of `top`."""
    for item in code.co_consts:
        if isinstance(item, CodeType):
            recorder.add(item, top, always=always)
            add_nested(recorder, item, top, always)


def instrument(function: FunctionType, recorder: _core.Recorder) -> Callable[..., Any]:
    """Measure the function in `recorder` from now on.

    3.12+: the very same function object is returned. Before, a wrapper of the same kind (plain,
    generator, coroutine, async generator) that runs it with the tracer on.
    """
    code = own_code(function)
    recorder.add(code, always=True)
    add_nested(recorder, code, code, True)
    return function if MONITORING else traced(function)


def traced(function: FunctionType) -> Callable[..., Any]:
    """A wrapper of the same kind under which the tracer is on; the function itself on 3.12+."""
    if MONITORING:
        return function
    flags = function.__code__.co_flags
    if flags & COROUTINE:
        wrapper = _coroutine(function)
    elif flags & ASYNC_GENERATOR:
        wrapper = _async_generator(function)
    elif flags & GENERATOR:
        wrapper = _generator(function)
    else:
        wrapper = _plain(function)
    return functools.wraps(function)(wrapper)


def _plain(function: FunctionType) -> Callable[..., Any]:
    call = _core.call

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call(function, args, kwargs)

    return wrapper


def _generator(function: FunctionType) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return (yield from _core.Carrier(function(*args, **kwargs)))

    return wrapper


def _coroutine(function: FunctionType) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await _core.Carrier(function(*args, **kwargs))

    return wrapper


def _async_generator(function: FunctionType) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        carrier = _core.Carrier
        try:
            value = await carrier(inner.asend(None))
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    await carrier(inner.aclose())
                    raise
                except BaseException as error:  # goes into the function, which may catch it
                    value = await carrier(inner.athrow(type(error), error, error.__traceback__))
                else:
                    value = await carrier(inner.asend(sent))
        except StopAsyncIteration:
            return

    return wrapper


def code_of(function: Any) -> Optional[CodeType]:
    """The code object of a function or bound method, or None."""
    return getattr(getattr(function, "__func__", function), "__code__", None)

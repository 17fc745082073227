"""Wrappers that put a span around each call of a function and stay what the function is.

A generator's span goes from its first step to its end, a coroutine's from its first step to its
last, suspensions included; whatever is sent, thrown or closed reaches the function, and its value
comes back. Name, signature and attributes survive.
"""

from __future__ import annotations

import functools
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any, Callable, ContextManager

    Span = Callable[[], ContextManager[Any]]

# Bits of co_flags; module inspect has their names, and costs more than all of this package.
_GENERATOR = 0x20
_COROUTINE = 0x80
_ITERABLE_COROUTINE = 0x100
_ASYNC_GENERATOR = 0x200


def around(function: FunctionType, span: Span) -> FunctionType:
    """A function of the same kind as function whose calls run inside span()."""
    flags = function.__code__.co_flags
    if flags & _ASYNC_GENERATOR:
        wrapper = _async_generator(function, span)
    elif flags & _COROUTINE:
        wrapper = _coroutine(function, span)
    elif flags & _ITERABLE_COROUTINE:
        wrapper = types.coroutine(_generator(function, span))
    elif flags & _GENERATOR:
        wrapper = _generator(function, span)
    else:
        wrapper = _plain(function, span)
    functools.update_wrapper(wrapper, function)
    result: FunctionType = wrapper
    return result


def _plain(function: Any, span: Span) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with span():
            return function(*args, **kwargs)

    return wrapper


def _coroutine(function: Any, span: Span) -> Any:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with span():
            return await function(*args, **kwargs)

    return wrapper


def _generator(function: Any, span: Span) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with span():
            return (yield from function(*args, **kwargs))

    return wrapper


def _async_generator(function: Any, span: Span) -> Any:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with span():
            inner = function(*args, **kwargs)
            step = inner.__anext__()
            while True:
                try:
                    value = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield value
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:
                    step = inner.athrow(error)
                else:
                    step = inner.asend(sent)

    return wrapper

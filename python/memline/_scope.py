"""Scopes: every figure also per request, task or invocation."""

from contextvars import Token
from types import TracebackType
from typing import Any, Callable, Dict, Optional, Type, TypeVar

from . import _core

F = TypeVar("F", bound=Callable[..., Any])


class scope:  # noqa: N801  used like a function
    """``with memline.scope("request", id=41) as s:`` charges what runs inside to a scope of its own.

    Works in threads and in asyncio: tasks and ``asyncio.to_thread`` inherit it with their context; code
    of other tasks that runs meanwhile does not belong to it, as far as it is profiled. Where nothing is
    accounted for it costs next to nothing and tells nothing. After the block:

    ``s.net_bytes``    allocated minus freed while it ran
    ``s.peak_bytes``   the highest of that
    ``s.alloc_bytes``  what its lines allocated
    ``s.held_bytes``   of that, still alive at the end: what it left behind
    """

    def __init__(self, name: str, id: object = "") -> None:  # noqa: A002
        self.name = name
        self.key = str(id)
        self.id = 0
        self._token: Optional[Token[int]] = None
        self._figures: Dict[str, int] = {}

    def __enter__(self) -> "scope":
        self.id = _core.scope_open(self.name, self.key)
        if self.id:
            self._token = _core.scope_enter(self.id)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._token is None:
            return
        _core.scope_exit(self._token)
        self._token = None
        self._figures = _core.scope_close(self.id)

    def _figure(self, name: str) -> int:
        if self._token is not None:
            return _core.scope_read(self.id)[name]
        return self._figures.get(name, 0)

    @property
    def net_bytes(self) -> int:
        """Bytes allocated minus freed while the code was in it."""
        return self._figure("net_bytes")

    @property
    def peak_bytes(self) -> int:
        """Highest net_bytes so far."""
        return self._figure("peak_bytes")

    @property
    def alloc_bytes(self) -> int:
        """Bytes that its lines allocated."""
        return self._figure("alloc_bytes")

    @property
    def held_bytes(self) -> int:
        """Of alloc_bytes, those alive (at its end, once that has come)."""
        return self._figure("held_bytes")

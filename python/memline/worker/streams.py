"""Streamed requests and responses: azurefunctions-extensions-http-fastapi.

The extension's own web app (FastAPI) is used as it is, without its server: a request comes as frames and
is given to the app as an ASGI call, whose messages go back as frames. So requests, responses and every
type that FastAPI can answer with are the real ones, and no port is opened.

A request's body comes as the client sends it: the function begins when its headers are there.

Flow control: at most WINDOW bytes of a response are on their way before the host gives credit back; a
client that reads slowly slows its own function and no other. The other way it is the same: the host sends at
most WINDOW bytes of a body that the function has not read.
"""

import asyncio
import contextvars
import functools
import importlib
import sys
import urllib.parse
from typing import Any, Dict, List, Optional

from . import errors, extensions, ids, profiling
from .datum import Packer
from .frames import BODY_CHUNK
from .function import Function
from .host import Host
from .invocation import Invocation

WINDOW = 1 << 20  # bytes
_BASE = "azurefunctions.extensions.base"


def enabled() -> bool:
    """Has the app imported a web extension?"""
    base = sys.modules.get(_BASE)
    return base is not None and bool(base.HttpV2FeatureChecker.http_v2_enabled())


def accepts_request(pytype: Any) -> bool:
    return bool(sys.modules[_BASE].RequestTrackerMeta.check_type(pytype))


def accepts_response(pytype: Any) -> bool:
    return bool(sys.modules[_BASE].ResponseTrackerMeta.check_type(pytype))


class ClientGone(OSError):
    """What a send raises when nobody waits for the response any more (ASGI 2.4)."""


class Stream:
    """One streamed invocation: both directions of its body. Used on the loop's thread only."""

    def __init__(self, host: Host, invocation: Invocation, function: Function, pool: Any) -> None:
        self._host, self._invocation, self._function, self._pool = host, invocation, function, pool
        self._chunks: asyncio.Queue[Optional[bytes]] = asyncio.Queue()  # None: the client is gone
        self._request_ended = False
        self._taken = 0  # bytes of the body read, for which no credit was given yet
        self._gone = False  # nobody waits for the response any more
        self._credit = WINDOW
        self._granted = asyncio.Event()
        self._answered = False  # status and headers were sent
        self._closed = False  # the last chunk was sent
        self._error: Optional[BaseException] = None  # what the function raised
        self._arguments: Dict[str, Any] = {}
        self._params: Dict[str, str] = {}

    # What arrives from the host

    def feed(self, chunk: bytes, last: bool, broken: bool) -> None:
        self._chunks.put_nowait(None if broken else chunk)
        if last and not broken:
            self._chunks.put_nowait(b"")

    def grant(self, size: int) -> None:
        self._credit += size
        self._granted.set()

    def cancel(self) -> None:
        self._gone = True
        self._chunks.put_nowait(None)
        self._granted.set()

    # The invocation

    async def run(self) -> None:
        ids.current.set(self._invocation.id)
        self._invocation.begin(self._host.meter)
        pack, left = Packer(), False
        try:
            parameter = self._function.http_parameter
            assert parameter is not None
            request = self._invocation.http_request(parameter)
            self._take_inline_body(request["body"])
            self._params = request.get("params") or {}
            self._arguments = self._invocation.arguments(self._function, leave_out=parameter)
            await _web_app()(_scope(request, self), self._receive, self._send)
            frame = self._invocation.result(
                self._function, self._arguments, None, pack, streamed=True
            )
        except BaseException as e:
            left = _came_from_gone(e)  # nobody is left to answer: no fault of the function
            if not left:
                self._error = self._error or _only(e)
        if left:
            for _ in range(
                3
            ):  # with the exception went its generator: the loop is about to close it
                await asyncio.sleep(0)
            frame = self._invocation.result(
                self._function, self._arguments, None, pack, streamed=True
            )
        if self._error is not None:
            frame, pack = self._invocation.failure(self._error, self._host.root), Packer()
            if self._answered and not self._closed:
                self._chunk(b"", last=True, error=errors.message(self._error))
        self._arguments = {}
        self._invocation.finish(self._host, frame, pack)

    async def respond(self, request: Any) -> Any:
        """Called by the web app: the function's own answer, of any type that the app can send."""
        synchronizer = sys.modules[_BASE].RequestTrackerMeta.get_synchronizer()
        synchronizer.sync_route_params(request, self._params)
        function, context = self._function, self._invocation.context
        self._arguments[function.http_parameter] = request  # type: ignore[index]
        try:
            extensions.before(function, context, self._arguments)
            call = profiling.entry(function.call)
            if function.is_async:
                returned = await call(**self._arguments)
            else:
                here = functools.partial(contextvars.copy_context().run, call, **self._arguments)
                returned = await asyncio.get_running_loop().run_in_executor(self._pool, here)
            extensions.after(function, context, self._arguments, returned)
        except BaseException as e:
            self._error = e
            if isinstance(e, Exception):
                raise
            raise RuntimeError(errors.message(e)) from e
        return returned

    # ASGI

    def _take_inline_body(self, body: Any) -> None:
        if isinstance(body, bytes):
            self.feed(body, last=True, broken=False)

    async def _receive(self) -> Dict[str, Any]:
        chunk = await self._chunks.get()
        if chunk is None:
            return {"type": "http.disconnect"}
        if chunk == b"":
            if self._request_ended:
                return await self._receive()
            self._request_ended = True
        self._taken += len(chunk)
        if self._taken >= WINDOW // 4 and not self._request_ended:
            self._host.channel.send("K", {"id": self._invocation.id, "n": self._taken})
            self._taken = 0
        return {"type": "http.request", "body": chunk, "more_body": chunk != b""}

    async def _send(self, message: Dict[str, Any]) -> None:
        if self._gone:
            raise ClientGone("the client has gone")
        if self._error is not None and not hasattr(self._error, "status_code"):
            return  # the app's own page for an exception: the host answers instead
        if message["type"] == "http.response.start":
            self._answered = True
            self._host.channel.send("A", _answer(self._invocation.id, message))
        elif message["type"] == "http.response.body":
            await self._send_body(
                memoryview(message.get("body", b"")), message.get("more_body", False)
            )

    async def _send_body(self, body: memoryview, more: bool) -> None:
        for at in range(0, len(body), BODY_CHUNK):
            part = body[at : at + BODY_CHUNK]
            while self._credit < len(part) and not self._gone:
                self._granted.clear()
                await self._granted.wait()
            if self._gone:
                raise ClientGone("the client has gone")
            self._credit -= len(part)
            self._chunk(part, last=False)
        if not more and not self._closed:
            self._chunk(b"", last=True)

    def _chunk(self, data: Any, last: bool, error: Optional[str] = None) -> None:
        frame: Dict[str, Any] = {"id": self._invocation.id, "last": last}
        if error is not None:
            frame["error"] = error
        self._closed = self._closed or last
        self._host.channel.send("B", frame, (data,))


def _came_from_gone(exc: Optional[BaseException]) -> bool:
    while exc is not None and not isinstance(exc, ClientGone):
        exc = exc.__cause__ or exc.__context__
    return exc is not None


def _only(exc: BaseException) -> BaseException:
    """The one exception of a group that a task group made of it."""
    while len(getattr(exc, "exceptions", ())) == 1:
        exc = exc.exceptions[0]  # type: ignore[attr-defined]
    return exc


_app: Optional[Any] = None


def _web_app() -> Any:
    """The extension's web app, with one route that leads to the function of the request."""
    global _app
    if _app is None:
        base = sys.modules[_BASE]
        extension = importlib.import_module(base.ModuleTrackerMeta.get_module())
        app = extension.WebApp()

        async def serve(request: Any) -> Any:
            return await request.scope["memline.stream"].respond(request)

        serve.__annotations__ = {"request": base.RequestTrackerMeta.get_request_type()}
        app.route(serve)
        _app = app.get_app()
    return _app


def _scope(request: Dict[str, Any], stream: Stream) -> Dict[str, Any]:
    url = urllib.parse.urlsplit(request["url"])
    return {
        "type": "http",
        # 2.4: a send to nobody raises; before, a framework would read the body to learn of it.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request["method"],
        "scheme": url.scheme,
        "path": urllib.parse.unquote(url.path),
        "raw_path": url.path.encode("ascii", "replace"),
        "query_string": url.query.encode("ascii", "replace"),
        "root_path": "",
        "headers": [
            (k.lower().encode("latin-1", "replace"), str(v).encode("latin-1", "replace"))
            for k, v in request["headers"].items()
        ],
        "server": (url.hostname or "localhost", url.port or 80),
        "client": None,
        "memline.stream": stream,
    }


def _answer(invocation_id: str, message: Dict[str, Any]) -> Dict[str, Any]:
    headers: Dict[str, List[str]] = {}
    cookies = []
    for raw_name, raw_value in message.get("headers", ()):
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers.setdefault(name, []).append(value)
    return {
        "id": invocation_id,
        "status": int(message["status"]),
        "headers": headers,
        "cookies": cookies,
    }

"""One invocation: from an invoke frame to its result frame.

The request's body is owned by the arguments alone: the frame is dropped as soon as it is decoded, and the
result as soon as it is sent, so nothing of one request lives on when the next one comes.
"""

import contextvars
import os
import sys
import time
from typing import Any, Dict, Optional, Union

from . import context, convert, datum, errors, extensions, heap, ids, profiling, telemetry
from .context import Out
from .frames import BODY_CHUNK, Channel
from .function import Function
from .host import Host
from .memory import Meter, Reading


class Invocation:
    """A call that the host asked for. Used by one thread or task at a time."""

    def __init__(
        self, frame: Dict[str, Any], payload: bytes, body: Union[bytes, Exception, None] = None
    ) -> None:
        self.id: str = frame["id"]
        self._frame: Optional[Dict[str, Any]] = frame
        self._payload: Optional[bytes] = payload
        self._body = body  # the joined chunks, or why they broke off
        self._begun = 0.0
        self._reading: Optional[Reading] = None
        self.scope = 0  # of memline's heap accounting; 0: none

    def begin(self, meter: Meter) -> None:
        self._begun = time.perf_counter()
        self._reading = meter.begin()

    def http_request(self, parameter: str) -> Dict[str, Any]:
        """The raw request of a streamed invocation; its body is bytes, or None if it comes in chunks."""
        assert self._frame is not None and self._payload is not None
        request = dict(self._frame["inputs"][parameter])
        body = request.get("body")
        if body is not None:
            body = None if datum.is_chunked(body) else datum.read(body, self._payload)
            request["body"] = body.value if body is not None else None
        return request

    def arguments(self, function: Function, leave_out: Optional[str] = None) -> Dict[str, Any]:
        """The function's keyword arguments; gives up the frame."""
        frame, payload, body = self._frame, self._payload, self._body
        self._frame = self._payload = self._body = None
        assert frame is not None and payload is not None
        metadata = {k: datum.read(v, payload) for k, v in (frame.get("metadata") or {}).items()}
        arguments: Dict[str, Any] = {}
        given = frame.get("inputs") or {}
        if isinstance(body, Exception):
            raise body
        for name, slot in function.inputs.items():
            if name == leave_out:
                continue
            if name not in given:
                raise ValueError(f"the host sent no value for the input '{name}'")
            value = datum.read(given[name], payload, body)
            arguments[name] = convert.decode(
                slot.binding,
                slot.pytype,
                value,
                metadata if convert.is_trigger(slot.binding) else {},
            )
        self.context = context.from_frame(frame, function.name, function.directory)
        if function.wants_context:
            arguments["context"] = self.context
        for name in function.outputs:
            arguments[name] = Out()
        telemetry.attach(self.context)
        return arguments

    def result(
        self,
        function: Function,
        arguments: Dict[str, Any],
        returned: Any,
        pack: datum.Packer,
        streamed: bool = False,
    ) -> Dict[str, Any]:
        """The result frame of a call that returned; raises if a value cannot be converted.

        streamed: the returned value has been sent already."""
        if returned is not None and function.returns is None:
            # The missing space is in the original's text.
            raise RuntimeError(
                f"function {function.name!r} without a $return bindingreturned a non-None value"
            )
        outputs = {}
        for name, slot in function.outputs.items():
            value = arguments[name].get()
            if value is not None:
                outputs[name] = pack.datum(convert.encode(slot.binding, slot.pytype, value))
        frame: Dict[str, Any] = {"id": self.id, "ok": True, "outputs": outputs}
        if function.returns is not None and not streamed:
            slot = function.returns
            frame["return"] = pack.datum(convert.encode(slot.binding, slot.pytype, returned))
        return frame

    def failure(self, exc: BaseException, root: str) -> Dict[str, Any]:
        return {"id": self.id, "ok": False, "error": errors.describe(exc, root)}

    def finish(self, host: Host, frame: Dict[str, Any], pack: datum.Packer) -> None:
        """Send the result, after whatever the function printed."""
        if host.channel.forked:
            # A child that came back from the user's function: it must not serve.
            flush_output()
            os._exit(0)
        flush_output()
        profiling.ended()
        frame["duration_us"] = int((time.perf_counter() - self._begun) * 1e6)
        memory = host.meter.end(self._reading)
        if memory is not None:
            frame["memory"] = memory
        heap.end(self.scope, frame)
        try:
            host.channel.send("R", frame, tuple(pack.payload))
        except ValueError as e:  # too long for a frame: headers of megabytes, say
            frame.update(self.failure(e, host.root), outputs={})
            frame["return"] = {"t": "none"}
            host.channel.send("R", frame)
            return
        if pack.chunks is not None:
            send_chunks(host.channel, self.id, pack.chunks)


def flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # closed or replaced by the user


def send_chunks(channel: Channel, invocation_id: str, data: memoryview) -> None:
    for at in range(0, len(data), BODY_CHUNK):
        last = at + BODY_CHUNK >= len(data)
        channel.send("B", {"id": invocation_id, "last": last}, (data[at : at + BODY_CHUNK],))


def call_sync(invocation: Invocation, function: Function, host: Host) -> None:
    """Run a sync function to its result frame, on the calling thread.

    In a copied context: what the function sets there ends with it."""
    ids.local.invocation_id = invocation.id
    invocation.scope = scope = heap.begin(invocation.id, function.name)
    try:
        contextvars.copy_context().run(heap.inside, scope, _call_sync, invocation, function, host)
        heap.ended(scope, function.name)
    finally:
        ids.local.invocation_id = None


def _call_sync(invocation: Invocation, function: Function, host: Host) -> None:
    ids.current.set(invocation.id)
    pack = datum.Packer()
    arguments: Any = None
    invocation.begin(host.meter)
    try:
        arguments = invocation.arguments(function)
        extensions.before(function, invocation.context, arguments)
        returned = profiling.entry(function.call)(**arguments)
        extensions.after(function, invocation.context, arguments, returned)
        frame = invocation.result(function, arguments, returned, pack)
    except BaseException as e:
        # SystemExit and KeyboardInterrupt too: they end the invocation, not the worker.
        frame, pack = invocation.failure(e, host.root), datum.Packer()
    # The request and the answer die before the host may send the next one.
    arguments = returned = None
    invocation.finish(host, frame, pack)


async def call_async(invocation: Invocation, function: Function, host: Host) -> None:
    """Run an async function to its result frame, as a task of the loop (which copied the context)."""
    invocation.scope = scope = heap.begin(invocation.id, function.name)
    await heap.steps(scope, _call_async(invocation, function, host))
    heap.ended(scope, function.name)


async def _call_async(invocation: Invocation, function: Function, host: Host) -> None:
    ids.current.set(invocation.id)
    pack = datum.Packer()
    arguments: Any = None
    invocation.begin(host.meter)
    try:
        arguments = invocation.arguments(function)
        extensions.before(function, invocation.context, arguments)
        returned = await profiling.entry(function.call)(**arguments)
        extensions.after(function, invocation.context, arguments, returned)
        frame = invocation.result(function, arguments, returned, pack)
    except BaseException as e:
        frame, pack = invocation.failure(e, host.root), datum.Packer()
    arguments = returned = None
    invocation.finish(host, frame, pack)

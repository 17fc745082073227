"""The socket to the host: frames in, frames out (docs/wire.md, section 2).

    0        4      5          9            9+J          4+L
    +--------+------+----------+------------+------------+
    | L      | type | J        | JSON       | payload    |
    | u32 BE | u8   | u32 BE   | J bytes    | L-5-J bytes|
    +--------+------+----------+------------+------------+

Sends block: a host that reads slowly slows the function down, and nothing queues up here. Threads: any
may send; one thread receives. After a fork the child's channel is dead and its sends do nothing.
"""

import json
import os
import socket
import struct
import threading
from typing import Any, Dict, List, Optional, Tuple, Union

MAX_FRAME = 8 << 20  # bytes, as L counts them
BODY_CHUNK = 256 << 10  # bytes of payload in one body frame
INLINE_BODY = 1 << 20  # bytes; a longer body travels in chunks

_HEAD = struct.Struct(">IcI")
_encode_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), check_circular=False
).encode
# The kernel refuses more buffers than this in one sendmsg.
_IOV_MAX = 512

Buffer = Union[bytes, bytearray, memoryview]
Frame = Tuple[str, Dict[str, Any], bytes]


class ProtocolError(Exception):
    """The host sent something that is not a frame."""


class Channel:
    """One end of the socket pair."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        sock.set_inheritable(False)
        self._sock = sock  # owned
        self._lock = threading.RLock()  # held around each send
        self._sending = False  # under _lock: a send of this thread is under way
        self._late: List[List[Buffer]] = []  # under _lock: see send
        self.dead = False
        self.forked = False  # this process is a child of the worker
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def send(self, kind: str, body: Dict[str, Any], payload: Tuple[Buffer, ...] = ()) -> None:
        """Send one frame; raises nothing when the host is gone (the receiver will notice)."""
        if self.dead:
            return
        text = _encode_json(body).encode("utf-8", "replace")
        length = 5 + len(text) + sum(len(p) for p in payload)
        if length > MAX_FRAME:
            raise ValueError(f"frame '{kind}' of {length} bytes is over the limit of {MAX_FRAME}")
        parts: List[Buffer] = [_HEAD.pack(length, kind.encode("ascii"), len(text)) + text, *payload]
        with self._lock:
            if self._sending:
                # A signal handler or a __del__ of the user's logs while this very thread is inside a
                # send: its frame goes right behind the one under way.
                self._late.append(parts)
                return
            self._sending = True
            try:
                self._write(parts)
                while self._late:
                    self._write(self._late.pop(0))
            except OSError:
                self.dead = True
                self._late.clear()
            finally:
                self._sending = False

    def _write(self, parts: List[Buffer]) -> None:
        views = [memoryview(p) for p in parts if len(p)]
        while views:
            sent = self._sock.sendmsg(views[:_IOV_MAX])
            while views and sent >= len(views[0]):
                sent -= len(views.pop(0))
            if sent:
                views[0] = views[0][sent:]

    def recv(self) -> Optional[Frame]:
        """The next frame, or None at the end of the stream; raises ProtocolError."""
        head = self._read(_HEAD.size, at_start=True)
        if head is None:
            return None
        length, kind, text_length = _HEAD.unpack(head)
        if not 5 <= length <= MAX_FRAME or text_length > length - 5:
            raise ProtocolError(f"bad frame: length {length}, JSON {text_length}")
        if not 0x21 <= kind[0] <= 0x7E:
            raise ProtocolError(f"bad frame type {kind[0]}")
        text = self._read(text_length)
        payload = self._read(length - 5 - text_length)
        try:
            body = json.loads(text)  # type: ignore[arg-type]
        except (ValueError, RecursionError) as e:
            raise ProtocolError(f"bad JSON in frame '{kind.decode()}': {e}") from None
        if not isinstance(body, dict):
            raise ProtocolError(f"frame '{kind.decode()}' does not hold an object")
        return kind.decode(), body, payload or b""

    def _read(self, size: int, at_start: bool = False) -> Optional[bytes]:
        """Exactly size bytes, in one allocation as a rule; None if the stream ends at a frame's start."""
        if size == 0:
            return b""
        data = self._sock.recv(size, socket.MSG_WAITALL)
        if len(data) == size:
            return data
        if not data and at_start:
            return None
        parts = [data]
        missing = size - len(data)
        while missing:
            data = self._sock.recv(missing, socket.MSG_WAITALL) if parts[-1] else b""
            if not data:
                raise ProtocolError("the stream ended inside a frame")
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def close(self) -> None:
        self.dead = True
        self._sock.close()

    def _after_fork(self) -> None:
        self.dead = self.forked = True
        self._lock = threading.RLock()  # another thread may have held it at the fork
        self._sending = False
        self._late = []
        self._sock.close()

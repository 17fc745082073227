"""One value with its type: the frame's JSON form <-> azure.functions.meta.Datum (docs/wire.md, section 3)."""

from typing import Any, Dict, List, Optional, Tuple

from . import convert, httpdata
from .frames import INLINE_BODY, MAX_FRAME, Buffer, ProtocolError

_TEXT_IN_JSON = 64 << 10  # characters; longer text travels as payload
_INT_MAX = (1 << 63) - 1


def is_chunked(value: Any) -> bool:
    return isinstance(value, dict) and value.get("t") == "bytes" and bool(value.get("chunks"))


def chunked_body(frame: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The one datum of an invoke frame whose bytes come in body frames, or None."""
    for value in frame.get("inputs", {}).values():
        if is_chunked(value):
            return value  # type: ignore[no-any-return]
        if isinstance(value, dict) and is_chunked(value.get("body")):
            return value["body"]  # type: ignore[no-any-return]
    return None


def _slice(value: Dict[str, Any], payload: bytes) -> bytes:
    at, size = value.get("at"), value.get("n")
    if (
        not isinstance(at, int)
        or not isinstance(size, int)
        or at < 0
        or size < 0
        or at + size > len(payload)
    ):
        raise ProtocolError(f"datum points outside its payload of {len(payload)} bytes")
    return payload if size == len(payload) else payload[at : at + size]


def read(value: Dict[str, Any], payload: bytes, body: Optional[bytes] = None) -> Any:
    """The library's Datum, or None for no value. body: the joined chunks, if it came in chunks."""
    kind = value.get("t")
    datum = convert.datum_class()
    if kind == "none":
        return None
    if kind == "http":
        return httpdata.read_request(value, payload, body)
    if kind == "bytes":
        return datum(body if is_chunked(value) else _slice(value, payload), "bytes")
    if kind in ("string", "json"):
        text = value.get("v")
        return datum(
            _slice(value, payload).decode("utf-8", "replace") if text is None else text, kind
        )
    if kind in ("int", "double"):
        return datum(value.get("v"), kind)
    raise ProtocolError(f"unknown datum type {kind!r}")


class Packer:
    """Collects the payload of one result frame."""

    def __init__(self) -> None:
        self.payload: List[Buffer] = []
        self.size = 0  # bytes of payload
        self.chunks: Optional[memoryview] = None  # the one value too long for this frame

    def _put(self, data: bytes) -> Tuple[int, int]:
        if self.size + len(data) > MAX_FRAME - (1 << 20):
            raise ValueError(f"the outputs of one invocation exceed {MAX_FRAME >> 20} MiB")
        at = self.size
        self.payload.append(data)
        self.size += len(data)
        return at, len(data)

    def bytes(self, data: bytes) -> Dict[str, Any]:
        if len(data) > INLINE_BODY and self.chunks is None:
            self.chunks = memoryview(data)
            return {"t": "bytes", "chunks": True, "n": len(data)}
        at, size = self._put(data)
        return {"t": "bytes", "at": at, "n": size}

    def text(self, kind: str, text: str) -> Dict[str, Any]:
        if len(text) <= _TEXT_IN_JSON:
            return {"t": kind, "v": text}
        data = text.encode("utf-8", "replace")
        if len(data) > INLINE_BODY and kind == "string":
            return self.bytes(data)
        at, size = self._put(data)
        return {"t": kind, "at": at, "n": size}

    def datum(self, value: Any) -> Dict[str, Any]:
        """A library Datum (or None) in its frame form."""
        if value is None or value.type is None or value.value is None:
            return {"t": "none"}
        kind, v = value.type, value.value
        if kind == "http":
            return httpdata.write_response(v, self)
        if kind == "bytes":
            return self.bytes(bytes(v))
        if kind in ("string", "json"):
            return self.text(kind, str(v))
        if kind == "int":
            return (
                {"t": "int", "v": v} if -_INT_MAX <= v <= _INT_MAX else {"t": "json", "v": str(v)}
            )
        if kind == "double":
            return {"t": "double", "v": v}
        raise TypeError(f"unexpected Datum type: {kind}")

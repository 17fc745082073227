"""The library's converters, asked for by binding type.

The library (`azure.functions`, the user's own) knows how each binding's data becomes a Python object and
back. Bindings it does not know get the generic converter below, which passes text and bytes through.
"""

import json
import math
import sys
from typing import Any, Optional

HTTP_TRIGGER = "httpTrigger"
GENERIC = "generic"


def library() -> Any:
    """The user's azure.functions, imported when the worker started."""
    return sys.modules["azure.functions"]


def datum_class() -> Any:
    """The library's class for a value with its type."""
    return sys.modules["azure.functions.meta"].Datum


class GenericConverter:
    """Text, bytes and JSON values as they are; it answers what the library's converters answer."""

    @classmethod
    def has_trigger_support(cls) -> bool:
        return False

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        return issubclass(pytype, (str, bytes))

    @classmethod
    def check_output_type_annotation(cls, pytype: type) -> bool:
        return issubclass(pytype, (str, bytes, bytearray))

    @classmethod
    def decode(cls, data: Any, *, trigger_metadata: Any) -> Any:
        if data is None or data.type is None:
            return None
        if data.type in ("string", "bytes", "json", "int", "double"):
            return data.value
        raise ValueError(
            f'unexpected type of data received for the "generic" binding {data.type!r}'
        )

    @classmethod
    def encode(cls, obj: Any, *, expected_type: Optional[type]) -> Any:
        datum = datum_class()
        if obj is None:
            return datum(value=None, type=None)
        if isinstance(obj, str):
            return datum(value=obj, type="string")
        if isinstance(obj, (bytes, bytearray)):
            return datum(value=bytes(obj), type="bytes")
        if isinstance(obj, (dict, list)):
            return datum(value=json.dumps(obj), type="json")
        if isinstance(obj, bool):
            return datum(value=int(obj), type="int")
        if isinstance(obj, int):
            return datum(value=obj, type="int")
        if isinstance(obj, float) and math.isfinite(obj):
            return datum(value=obj, type="double")
        if isinstance(obj, float):
            return datum(value=str(obj), type="string")
        raise NotImplementedError


def converter(binding: str) -> Any:
    found = library().get_binding_registry().get(binding)
    return GenericConverter if found is None else found


def is_trigger(binding: str) -> bool:
    return bool(converter(binding).has_trigger_support())


def has_implicit_output(binding: str) -> bool:
    """May a function with this binding return a value without a `$return` binding?"""
    found = converter(binding)
    if found is GenericConverter:
        return binding != "durableClient"
    return bool(getattr(found, "has_implicit_output", lambda: False)())


def accepts_input(binding: str, pytype: Any) -> bool:
    from . import streams

    if binding == HTTP_TRIGGER and streams.enabled():
        return streams.accepts_request(pytype)
    return _asks(converter(binding).check_input_type_annotation, pytype)


def accepts_output(binding: str, pytype: Any) -> bool:
    from . import streams

    if binding == "http" and streams.enabled():
        return streams.accepts_response(pytype)
    check = getattr(converter(binding), "check_output_type_annotation", None)
    return check is not None and _asks(check, pytype)


def _asks(check: Any, pytype: Any) -> bool:
    try:
        return bool(check(pytype))
    except TypeError:  # issubclass() with a generic alias
        return False


def decode(binding: str, pytype: Any, data: Any, metadata: Any) -> Any:
    found = converter(binding)
    if data is not None and found is GenericConverter:
        if pytype is str and data.type == "bytes":
            return data.value.decode("utf-8")
        if pytype is bytes and data.type in ("string", "json"):
            return data.value.encode("utf-8")
    try:
        return found.decode(data, trigger_metadata=metadata)
    except NotImplementedError:
        kind = None if data is None else data.type
        raise TypeError(
            f"unable to decode incoming TypedData: unsupported combination of TypedData field {kind!r} "
            f"and expected binding type {found!r}"
        ) from None


def encode(binding: str, pytype: Any, obj: Any) -> Any:
    encoder = getattr(converter(binding), "encode", None)  # some bindings are for input only
    try:
        if encoder is not None:
            return encoder(obj, expected_type=pytype)
    except NotImplementedError:
        pass
    raise TypeError(
        f'unable to encode outgoing TypedData: unsupported type "{binding}" for '
        f'Python type "{type(obj).__name__}"'
    )

"""A function of the user's, checked and ready to be called."""

import typing
from typing import Any, Callable, Dict, NamedTuple, Optional


class Binding(NamedTuple):
    """A binding as function.json or a decorator declares it."""

    name: str
    type: str
    direction: str  # "in", "out" or "inout"
    data_type: int  # 0 undefined, 1 string, 2 binary, 3 stream


class Slot(NamedTuple):
    """How one parameter, output or return value is converted."""

    binding: str  # binding type, or "generic"
    pytype: Optional[Any]


class Function(NamedTuple):
    id: str
    name: str
    directory: str
    call: Callable[..., Any]
    is_async: bool
    wants_context: bool
    inputs: Dict[str, Slot]
    outputs: Dict[str, Slot]
    returns: Optional[Slot]
    http_parameter: Optional[str]  # the trigger's parameter, if HTTP triggers it


_DATA_TYPES = {"string": 1, "binary": 2, "stream": 3}


def read_binding(raw: typing.Mapping[str, Any]) -> Binding:
    """From a binding's JSON object, in function.json's or the library's spelling."""
    return Binding(
        str(raw.get("name", "")),
        str(raw.get("type", "")),
        str(raw.get("direction") or "in").lower(),
        _DATA_TYPES.get(str(raw.get("dataType", "")).lower(), 0),
    )

"""Do a function's parameters and its bindings fit? The texts are those of the original worker.

Both models come here, with their bindings as JSON objects. Whether a Python type suits a binding is asked of
the library's converter; a parameter without annotation is not checked.
"""

import collections.abc
import inspect
import types
import typing
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple

from . import convert
from .errors import FunctionLoadError
from .function import Binding, Function, Slot, read_binding

Annotations = Dict[str, Any]
# str | bytes has the origin types.UnionType, from 3.14 on the same as typing.Union: a class.
_NOT_GENERIC = (tuple, collections.abc.Callable, getattr(types, "UnionType", None), typing.Union)


def make_function(
    function_id: str,
    name: str,
    directory: str,
    call: Callable[..., Any],
    raw: List[Mapping[str, Any]],
) -> Function:
    """Check and describe; raises FunctionLoadError."""
    parameters = set(inspect.signature(call).parameters)
    hints = _hints(call)
    bound, returning = _split_bindings(name, [read_binding(b) for b in raw])
    wants_context = "context" in parameters and "context" not in bound
    if wants_context:
        parameters.discard("context")
        _check_context(name, hints)
    _check_names(name, parameters, bound)
    inputs: Dict[str, Slot] = {}
    outputs: Dict[str, Slot] = {}
    for parameter in inspect.signature(call).parameters:
        if parameter in parameters:
            binding = bound[parameter]
            side = outputs if binding.direction == "out" else inputs
            side[parameter] = _check_parameter(name, binding, hints)
    return Function(
        id=function_id,
        name=name,
        directory=directory,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        wants_context=wants_context,
        inputs=inputs,
        outputs=outputs,
        returns=_check_return(name, returning, bound, hints),
        http_parameter=next(
            (p for p, s in inputs.items() if s.binding == convert.HTTP_TRIGGER), None
        ),
    )


def _hints(call: Callable[..., Any]) -> Annotations:
    try:
        return typing.get_type_hints(call)
    except TypeError:  # a callable object, a partial: nothing to read
        return {}


def _split_bindings(
    name: str, bindings: List[Binding]
) -> Tuple[Dict[str, Binding], Optional[Binding]]:
    """Those bound to parameters, and the one bound to the return value."""
    bound: Dict[str, Binding] = {}
    returning = None
    for binding in bindings:
        if binding.direction == "inout":
            raise FunctionLoadError(name, '"inout" bindings are not supported')
        if binding.name != "$return":
            bound[binding.name] = binding
            continue
        if binding.direction != "out":
            raise FunctionLoadError(name, '"$return" binding must have direction set to "out"')
        returning = returning or binding
    return bound, returning


def _check_context(name: str, hints: Annotations) -> None:
    hint = hints.get("context")
    if hint is not None and not (isinstance(hint, type) and hint.__name__ == "Context"):
        raise FunctionLoadError(
            name,
            f'the "context" parameter is expected to be of type azure.functions.Context, got {hint!r}',
        )


def _check_names(name: str, parameters: Set[str], bound: Mapping[str, Binding]) -> None:
    extra = parameters - set(bound)
    if extra:
        raise FunctionLoadError(
            name,
            f"the following parameters are declared in Python but not in function.json: {extra!r}",
        )
    missing = set(bound) - parameters
    if missing:
        raise FunctionLoadError(
            name,
            f"the following parameters are declared in function.json but not in Python: {missing!r}",
        )


def _is_generic(hint: Any) -> bool:
    """A parametrised class, such as List[str]; a Union, a tuple or a Callable is none."""
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and origin not in _NOT_GENERIC


def _is_out(hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, convert.library().Out)


def _name_of(hint: Any) -> str:
    return getattr(hint, "__name__", None) or repr(hint)


def _check_parameter(name: str, binding: Binding, hints: Annotations) -> Slot:
    parameter, has_hint, hint = binding.name, binding.name in hints, hints.get(binding.name)
    out_hint = has_hint and _is_out(hint)
    pytype = hint
    if out_hint:
        arguments = typing.get_args(hint)
        if len(arguments) != 1:
            raise FunctionLoadError(
                name, f"binding {parameter} has invalid Out annotation {hint!r}"
            )
        pytype = arguments[0]
    if has_hint and not isinstance(pytype, type) and not _is_generic(pytype):
        raise FunctionLoadError(
            name, f"binding {parameter} has invalid non-type annotation {hint!r}"
        )
    if binding.direction == "out" and has_hint and not out_hint:
        raise FunctionLoadError(
            name,
            f'binding {parameter} is declared to have the "out" direction, but its annotation in Python '
            "is not a subclass of azure.functions.Out",
        )
    if binding.direction == "in" and out_hint:
        raise FunctionLoadError(
            name,
            f'binding {parameter} is declared to have the "in" direction in function.json, but its '
            "annotation is azure.functions.Out in Python",
        )
    kind = binding.type
    if pytype in (str, bytes) and not convert.has_implicit_output(binding.type):
        kind = convert.GENERIC
    if has_hint:
        accepts = convert.accepts_output if out_hint else convert.accepts_input
        if not accepts(kind, pytype):
            raise FunctionLoadError(name, _mismatch(binding, pytype))
    return Slot(kind, pytype)


def _mismatch(binding: Binding, pytype: Any) -> str:
    if binding.data_type:
        return (
            f'{binding.name!r} binding type "{binding.type}" and dataType "{binding.data_type}" in '
            "function.json do not match the corresponding function parameter's Python type annotation "
            f'"{_name_of(pytype)}"'
        )
    return (
        f'type of {binding.name} binding in function.json "{binding.type}" does not match its Python '
        f'annotation "{_name_of(pytype)}"'
    )


def _check_return(
    name: str, returning: Optional[Binding], bound: Mapping[str, Binding], hints: Annotations
) -> Optional[Slot]:
    """Where the returned value goes; None if the function must return None."""
    has_hint, hint = "return" in hints, hints.get("return")
    if returning is None:
        implicit = [b.type for b in bound.values() if convert.has_implicit_output(b.type)]
        return Slot(implicit[-1], hint) if implicit else None
    if not has_hint:
        return Slot(returning.type, None)
    if _is_out(hint):
        raise FunctionLoadError(name, "return annotation should not be azure.functions.Out")
    if not isinstance(hint, type):
        raise FunctionLoadError(name, f"has invalid non-type return annotation {hint!r}")
    kind = returning.type
    if not convert.accepts_output(kind, hint):
        raise FunctionLoadError(
            name,
            f'Python return annotation "{_name_of(hint)}" does not match binding type "{kind}"',
        )
    return Slot(kind, hint)

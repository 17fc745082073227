"""What a function gets beside its bindings: the context, and the holders of its outputs."""

from typing import Any, Dict, Optional

from . import ids


class TraceContext:
    """The W3C trace of the request, under its present and its former names."""

    def __init__(self, parent: str, state: str, attributes: Dict[str, str]) -> None:
        self._parent, self._state, self._attributes = parent, state, attributes

    @property
    def trace_parent(self) -> str:
        return self._parent

    @property
    def trace_state(self) -> str:
        return self._state

    @property
    def attributes(self) -> Dict[str, str]:
        return self._attributes

    Traceparent = trace_parent
    Tracestate = trace_state
    Attributes = attributes


class RetryContext:
    """How many times this event was tried before, and why it failed last."""

    def __init__(self, count: int, maximum: int, exception: Optional[str]) -> None:
        self._count, self._maximum, self._exception = count, maximum, exception

    @property
    def retry_count(self) -> int:
        return self._count

    @property
    def max_retry_count(self) -> int:
        return self._maximum

    @property
    def exception(self) -> Optional[str]:
        return self._exception


class Context:
    """The `context` parameter of a function."""

    def __init__(
        self,
        invocation_id: str,
        name: str,
        directory: str,
        trace: TraceContext,
        retry: RetryContext,
    ) -> None:
        self._invocation_id, self._name, self._directory = invocation_id, name, directory
        self._trace, self._retry = trace, retry

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> ids.ThreadLocal:
        return ids.local

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> TraceContext:
        return self._trace

    @property
    def retry_context(self) -> RetryContext:
        return self._retry


def from_frame(frame: Dict[str, Any], name: str, directory: str) -> Context:
    trace = frame.get("trace") or {}
    retry = frame.get("retry") or {}
    return Context(
        frame["id"],
        name,
        directory,
        TraceContext(
            trace.get("parent") or "", trace.get("state") or "", trace.get("attributes") or {}
        ),
        RetryContext(retry.get("count") or 0, retry.get("max") or 0, retry.get("exception")),
    )


class Out:
    """Holds the value of an output until the function has returned."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value

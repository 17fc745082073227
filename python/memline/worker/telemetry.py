"""OpenTelemetry, when the app's settings ask for it (as the original worker does).

PYTHON_ENABLE_OPENTELEMETRY: functions run inside the trace of their request.
PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: the Azure Monitor distro is configured too.
"""

import importlib
import logging
import os
from typing import Any, List, Optional, Tuple

from .context import Context
from .logs import system_log

exports_logs = False  # the distro sends the user's log records itself
_propagation: Optional[Tuple[Any, Any]] = None  # the propagator, and the context API


def is_true(setting: str) -> bool:
    return os.environ.get(setting, "").strip().lower() in ("1", "true", "t", "yes", "y")


def set_up() -> List[str]:
    """Returns notices for the console."""
    monitor = is_true("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY")
    if not monitor and not is_true("PYTHON_ENABLE_OPENTELEMETRY"):
        return []
    notices: List[str] = []
    _set_up_propagation(notices)
    if monitor:
        _set_up_monitor(notices)
    return notices


def _set_up_propagation(notices: List[str]) -> None:
    global _propagation
    try:
        api = importlib.import_module("opentelemetry.context")
        tracecontext = importlib.import_module("opentelemetry.trace.propagation.tracecontext")
    except ImportError as e:
        notices.append(f"OpenTelemetry is asked for but cannot be imported: {e}")
        return
    _propagation = (tracecontext.TraceContextTextMapPropagator(), api)


def _set_up_monitor(notices: List[str]) -> None:
    global exports_logs
    # Without this the distro does not tell that it runs in a function app.
    os.environ.setdefault("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "azure_functions")
    try:
        importlib.import_module("azure.monitor.opentelemetry").configure_azure_monitor(
            connection_string=os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING"),
            logger_name=os.environ.get("PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME", ""),
        )
        exports_logs = True
        _quiet_exporter()
    except ImportError as e:
        notices.append(f"azure-monitor-opentelemetry cannot be imported: {e}")
    except Exception as e:
        system_log.exception("cannot configure Azure Monitor")
        notices.append(f"Azure Monitor cannot be configured: {e}")


def _quiet_exporter() -> None:
    """What the exporter logs of each batch it sends would be the next batch to send, for ever."""
    for name in ("azure.core.pipeline.policies.http_logging_policy", "azure.monitor.opentelemetry"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def attach(context: Context) -> None:
    """Make the request's trace the current one of this context."""
    if _propagation is None:
        return
    propagator, api = _propagation
    trace = context.trace_context
    api.attach(
        propagator.extract({"traceparent": trace.trace_parent, "tracestate": trace.trace_state})
    )

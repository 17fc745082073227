"""User code that exports spans and logs itself, through Azure Monitor's OpenTelemetry exporter."""

import logging
import os

import azure.functions as func
from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter, AzureMonitorTraceExporter
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

where = os.environ["EXPORT_TO"]
provider = TracerProvider()
provider.add_span_processor(
    SimpleSpanProcessor(
        AzureMonitorTraceExporter(connection_string=where, disable_offline_storage=True)
    )
)
tracer = provider.get_tracer("shop")
logs = LoggerProvider()
logs.add_log_record_processor(
    SimpleLogRecordProcessor(
        AzureMonitorLogExporter(connection_string=where, disable_offline_storage=True)
    )
)
exported = logging.getLogger("exported")
exported.addHandler(LoggingHandler(logger_provider=logs))

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="work")
def work(req: func.HttpRequest, context: func.Context) -> str:
    with tracer.start_as_current_span("inner work") as span:
        exported.warning("from inside the span")
        return trace.format_trace_id(span.get_span_context().trace_id)

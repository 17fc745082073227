"""azure-monitor-opentelemetry-exporter: traces, logs and metrics to the connection string given."""

import logging
import os
import sys

os.environ["APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL"] = "true"

from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

where = {"connection_string": sys.argv[1], "disable_offline_storage": True}
resource = Resource.create({"service.name": "shop"})

tracers = TracerProvider(resource=resource)
trace.set_tracer_provider(tracers)
tracers.add_span_processor(SimpleSpanProcessor(AzureMonitorTraceExporter(**where)))
tracer = tracers.get_tracer("test")
with tracer.start_as_current_span("GET /orders", kind=SpanKind.SERVER) as span:
    span.set_attribute("http.method", "GET")
    span.set_attribute("http.url", "http://shop/orders?id=1")
    span.set_attribute("http.status_code", 200)
    with tracer.start_as_current_span("query", kind=SpanKind.CLIENT) as inner:
        inner.set_attribute("http.method", "GET")
        inner.set_attribute("http.url", "http://stock/items")
        try:
            raise ValueError("out of stock \N{SNOWMAN}")
        except ValueError as error:
            inner.record_exception(error)

logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(AzureMonitorLogExporter(**where)))
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.addHandler(LoggingHandler(logger_provider=logs))
log.warning("only %d left", 3, extra={"item": "lamp"})

reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**where), 3600000)
meters = MeterProvider([reader], resource=resource)
meters.get_meter("test").create_counter("orders").add(3, {"kind": "lamp"})
latency = meters.get_meter("test").create_histogram("latency")
latency.record(5)
latency.record(7)
meters.shutdown()
logs.shutdown()
tracers.shutdown()

"""User code with two telemetry clients, both as their guides show them: where to send comes from the environment."""

import logging
import os

import azure.functions as func
from opencensus.ext.azure.log_exporter import AzureLogHandler
from opentelemetry import trace

where = os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING")
census = logging.getLogger("census")
census.propagate = False
handler = AzureLogHandler() if where else logging.NullHandler()
census.addHandler(handler)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="where")
def tell(req: func.HttpRequest) -> str:
    return where or "nowhere"


@app.route(route="order")
def order(req: func.HttpRequest) -> str:
    with trace.get_tracer("shop").start_as_current_span("price it") as span:
        logging.warning("an order")
        span.set_attribute("item", "lamp")
    census.warning("counted", extra={"custom_dimensions": {"item": "lamp"}})
    handler.flush()
    trace.get_tracer_provider().force_flush()
    return "ordered"

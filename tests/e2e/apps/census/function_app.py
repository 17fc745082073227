"""User code that logs through opencensus-ext-azure, beside the host's own records."""

import logging
import os

import azure.functions as func
from opencensus.ext.azure.log_exporter import AzureLogHandler

logger = logging.getLogger("census")
logger.addHandler(
    AzureLogHandler(
        connection_string=os.environ["EXPORT_TO"], enable_local_storage=False, export_interval=0.2
    )
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="count")
def count(req: func.HttpRequest) -> str:
    logger.warning("counted %s", req.params.get("what"))
    return "counted"

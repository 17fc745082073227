"""opencensus-ext-azure: logs and a span to the connection string given."""

import logging
import sys

from opencensus.ext.azure.log_exporter import AzureLogHandler
from opencensus.ext.azure.trace_exporter import AzureExporter
from opencensus.trace.samplers import ProbabilitySampler
from opencensus.trace.tracer import Tracer

where = {"connection_string": sys.argv[1], "enable_local_storage": False}
handler = AzureLogHandler(**where)
log = logging.getLogger("census")
log.setLevel(logging.DEBUG)
log.addHandler(handler)
log.error("it broke", extra={"custom_dimensions": {"part": "left"}})
try:
    {}["key"]
except KeyError:
    log.exception("no key")
handler.flush()
handler.close()

exporter = AzureExporter(**where)
with Tracer(exporter=exporter, sampler=ProbabilitySampler(1.0)).span(name="parent"):
    pass
exporter.exporter_thread.close() if hasattr(
    exporter, "exporter_thread"
) else exporter._worker.stop()

"""What settings switch on: worker extensions, and OpenTelemetry's propagation."""

import json
from typing import Any, Callable

from app_files import HEAD
from fakehost import http

EXTENSIONS = """
import azure.functions as func, json, logging
seen = []

class App(func.AppExtensionBase):
    @classmethod
    def init(cls):
        seen.append("app init")
    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory, *args, **kwargs):
        seen.append("app loaded " + function_name)
    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
        seen.append("app before " + context.function_name + " " + ",".join(sorted(func_args)))
    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args=None, func_ret=None, *args, **kwargs):
        seen.append("app after")
        raise RuntimeError("an extension must not fail a function")

app = func.FunctionApp()

@app.route(route="s")
def s(req) -> str:
    seen.append("run")
    return "s"

@app.route(route="a")
async def a(req) -> str:
    seen.append("run")
    return "a"

@app.route(route="what")
def what(req) -> str:
    return json.dumps([seen])
"""


def test_worker_extensions(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": EXTENSIONS}, extensions=True)
    assert host.get("s").frame["return"]["v"] == "s"
    assert host.get("a").frame["return"]["v"] == "a"
    seen = json.loads(host.get("what").frame["return"]["v"])[0]
    assert seen == [
        "app init",
        "app loaded s",
        "app loaded a",
        "app loaded what",
        "app before s req",
        "run",
        "app after",
        "app before a req",
        "run",
        "app after",
        "app before what req",
    ]
    assert all(log["system"] for log in host.logs)


def test_extensions_are_off_unless_asked_for(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": EXTENSIONS})
    assert json.loads(host.get("what").frame["return"]["v"]) == [["app init"]]


PACKAGES = ".python_packages/lib/site-packages/"
FAKE_OTEL = {
    PACKAGES + "opentelemetry/__init__.py": "",
    PACKAGES + "opentelemetry/context.py": (
        "import contextvars\nvar = contextvars.ContextVar('var', default={})\nattach = var.set\n"
    ),
    PACKAGES + "opentelemetry/trace/__init__.py": "",
    PACKAGES + "opentelemetry/trace/propagation/__init__.py": "",
    PACKAGES + "opentelemetry/trace/propagation/tracecontext.py": (
        "class TraceContextTextMapPropagator:\n    def extract(self, carrier):\n        return dict(carrier)\n"
    ),
    "function_app.py": HEAD
    + """
import json
from opentelemetry.context import var
@app.route(route="s")
def s(req) -> str:
    return json.dumps([var.get()])
@app.route(route="a")
async def a(req) -> str:
    return json.dumps([var.get()])
""",
}


def test_functions_run_inside_the_trace_of_their_request(app: Callable[..., Any]) -> None:
    host = app(FAKE_OTEL, env={"PYTHON_ENABLE_OPENTELEMETRY": "true"})
    assert host.index["notices"] == []
    for name in "sa":
        trace = {"parent": f"00-{name}", "state": "k=v", "attributes": {}}
        seen = json.loads(host.get(name, req=http(), _trace=trace).frame["return"]["v"])
        assert seen == [{"traceparent": f"00-{name}", "tracestate": "k=v"}]
    without = app(FAKE_OTEL)
    assert json.loads(without.get("s").frame["return"]["v"]) == [{}]


def test_telemetry_that_is_not_installed_is_told(app: Callable[..., Any]) -> None:
    host = app(
        {"function_app.py": HEAD},
        env={"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "1"},
    )
    first, second = host.index["notices"]
    assert first.startswith("OpenTelemetry is asked for but cannot be imported: ")
    assert second.startswith("azure-monitor-opentelemetry cannot be imported: ")

"""Calling functions: context, threads, bindings, errors, memory."""

import json
import time
from typing import Any, Callable

import pytest
from app_files import HEAD, RETURN, TRIGGER, folder
from fakehost import http

CONTEXT = (
    HEAD
    + """
import json
@app.route(route="f")
def f(req: func.HttpRequest, context: func.Context) -> str:
    t, r = context.trace_context, context.retry_context
    return "[" + json.dumps(dict(
        id=context.invocation_id, name=context.function_name, directory=context.function_directory,
        trace=[t.trace_parent, t.trace_state, t.attributes], old=[t.Traceparent, t.Tracestate, t.Attributes],
        retry=[r.retry_count, r.max_retry_count, r.exception])) + "]"
"""
)


def test_context(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": CONTEXT})
    trace = {"parent": "00-aa-bb-01", "state": "s=1", "attributes": {"k": "v"}}
    seen = json.loads(
        host.get("f", _trace=trace, _retry={"count": 1, "max": 3, "exception": "e"}).frame[
            "return"
        ]["v"]
    )
    assert seen == [
        {
            "id": "inv-1",
            "name": "f",
            "directory": str(host.root),
            "trace": ["00-aa-bb-01", "s=1", {"k": "v"}],
            "old": ["00-aa-bb-01", "s=1", {"k": "v"}],
            "retry": [1, 3, "e"],
        }
    ]


SLOW = (
    HEAD
    + """
import asyncio, time, threading
@app.route(route="s")
def s(req) -> str:
    time.sleep(0.3)
    return str(threading.get_ident())
@app.route(route="a")
async def a(req) -> str:
    await asyncio.sleep(0.3)
    return str(threading.get_ident() == threading.main_thread().ident)
"""
)


@pytest.mark.parametrize(("kind", "count"), [("s", 100), ("a", 300)])
def test_slow_requests_overlap(app: Callable[..., Any], kind: str, count: int) -> None:
    host = app({"function_app.py": SLOW})
    begun = time.monotonic()
    calls = [host.send_invoke(kind, req=http()) for _ in range(count)]
    answers = {host.result(call).frame["return"]["v"] for call in calls}
    assert time.monotonic() - begun < 0.3 * count / 5
    assert answers == {"True"} if kind == "a" else len(answers) > count // 2


def test_one_thread_runs_one_at_a_time(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": SLOW}, threads=1)
    begun = time.monotonic()
    calls = [host.send_invoke("s", req=http()) for _ in range(3)]
    assert len({host.result(call).frame["return"]["v"] for call in calls}) == 1
    assert time.monotonic() - begun >= 0.9


@pytest.mark.parametrize("threads", [0, -5, "many", None])
def test_a_bad_thread_count_is_the_default(app: Callable[..., Any], threads: Any) -> None:
    host = app({"function_app.py": SLOW}, threads=threads)
    assert host.get("s").frame["ok"]
    assert [log["system"] for log in host.logs] == ([] if threads is None else [True])


def test_a_blocking_async_function_does_not_stop_sync_ones(app: Callable[..., Any]) -> None:
    code = '@app.route(route="b")\nasync def b(req) -> str:\n    time.sleep(1)\n    return ""\n'
    host = app({"function_app.py": SLOW + code})
    blocked = host.send_invoke("b", req=http())
    quick = host.send_invoke("s", req=http())
    host.result(quick)
    assert blocked not in host._results
    host.result(blocked)


ERRORS = (
    HEAD
    + """
import sys, asyncio
class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")
class Weird(BaseException): pass
def deeper(what):
    if what == "zero": 1/0
    if what == "unprintable": raise Unprintable()
    if what == "exit": sys.exit(4)
    if what == "interrupt": raise KeyboardInterrupt()
    if what == "generator": raise GeneratorExit()
    if what == "weird": raise Weird("w")
    if what == "cancelled": raise asyncio.CancelledError()
    if what == "long": raise ValueError("x" * (1 << 20))
    if what == "recursion": deeper(what)
    if what == "surrogate": raise ValueError("\\udc80")
    if what == "cause":
        try:
            1/0
        except ZeroDivisionError as e:
            raise ValueError("outer") from e
@app.route(route="s")
def s(req) -> str:
    deeper(req.params["what"])
    return "fine"
@app.route(route="a")
async def a(req) -> str:
    await asyncio.sleep(0)
    deeper(req.params["what"])
    return "fine"
"""
)
MESSAGES = {
    "zero": "ZeroDivisionError: division by zero",
    "unprintable": "Unhandled exception in function. Could not serialize original exception message.",
    "exit": "SystemExit: 4",
    "interrupt": "KeyboardInterrupt: ",
    "generator": "GeneratorExit: ",
    "weird": "Weird: w",
    "cancelled": "CancelledError: ",
    "cause": "ValueError: outer",
    "surrogate": "ValueError: ?",
}


def test_errors_end_the_invocation_and_not_the_worker(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ERRORS})
    for kind in ("s", "a"):
        for what, message in MESSAGES.items():
            error = host.get(kind, req=http(query={"what": what})).error
            assert error["message"] == message, (kind, what)
            frames = [line for line in error["stack"].splitlines() if line.startswith("  File")]
            assert frames[0].startswith(f'  File "{host.root}/function_app.py", line ')
            assert frames[0].endswith(f", in {kind}")
            assert frames[1].endswith(", in deeper")
            assert "memline" not in error["stack"]
            assert "Traceback" not in error["stack"]
        assert host.get(kind, req=http(query={"what": "none"})).frame["return"]["v"] == "fine"
    zero = host.get("s", req=http(query={"what": "zero"})).error
    assert zero["type"] == "ZeroDivisionError"
    assert zero["traceback"].startswith("Traceback (most recent call last):\n")
    cause = host.get("s", req=http(query={"what": "cause"})).error
    assert "direct cause" in cause["traceback"]
    assert "direct cause" not in cause["stack"]
    long = host.get("s", req=http(query={"what": "long"})).error
    assert len(long["message"]) < 300_000
    assert host.get("s", req=http(query={"what": "recursion"})).error["type"] == "RecursionError"


def test_a_missing_input_is_told(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": SLOW})
    assert (
        host.invoke("s").error["message"]
        == "ValueError: the host sent no value for the input 'req'"
    )


def test_an_exit_of_a_background_task_is_told(app: Callable[..., Any]) -> None:
    code = """
import asyncio, sys
@app.route(route="f")
async def f(req) -> str:
    async def leave():
        sys.exit(3)
    f.task = asyncio.ensure_future(leave())
    return ""
"""
    host = app({"function_app.py": HEAD + code})
    host.get("f")
    assert host.receive()[0] == ""
    assert host.process.wait(5) == 1
    host.__exit__()
    assert "SystemExit: 3" in host.stderr


# Bindings

TRIGGERS = """
import azure.functions as func, logging
app = func.FunctionApp()

@app.queue_trigger(arg_name="msg", queue_name="q", connection="c")
@app.queue_output(arg_name="out", queue_name="r", connection="c")
def queue(msg: func.QueueMessage, out: func.Out[str]) -> None:
    logging.info("%s %s %s", msg.get_body().decode(), msg.id, msg.dequeue_count)
    out.set(msg.get_body().decode() + "!")

@app.blob_trigger(arg_name="blob", path="in/{name}", connection="c")
@app.blob_output(arg_name="out", path="out/{name}", connection="c")
def blob(blob: func.InputStream, out: func.Out[bytes]) -> None:
    data = blob.read()
    logging.info("%s %d", blob.name, len(data))
    out.set(data[::-1])

@app.timer_trigger(arg_name="tick", schedule="0 * * * * *")
def timer(tick: func.TimerRequest) -> None:
    logging.info("%s %s", tick.past_due, tick.schedule_status)

@app.generic_trigger(arg_name="x", type="someTrigger")
def unknown(x: str):
    return {"text": x, "list": [1, 2.5, None]}

@app.generic_trigger(arg_name="x", type="someTrigger")
@app.generic_output_binding(arg_name="out", type="someOutput")
def outputs(x: str, out: func.Out[str]):
    out.set({"a": 1} if x == "dict" else eval(x))

@app.service_bus_queue_trigger(arg_name="msg", queue_name="q", connection="c")
def bus(msg: func.ServiceBusMessage):
    logging.info("%s", msg.get_body().decode())
"""


@pytest.fixture
def triggers(app: Callable[..., Any]) -> Any:
    return app({"function_app.py": TRIGGERS})


def test_queue(triggers: Any) -> None:
    metadata = {"Id": "7", "DequeueCount": 3}
    result = triggers.invoke("queue", msg="text", _metadata=metadata)
    assert result.messages() == ["text 7 3"]
    assert result.frame["outputs"] == {"out": {"t": "string", "v": "text!"}}
    assert triggers.invoke("queue", msg=b'{"a":1}').messages() == ['{"a":1} None None']


def test_blob(triggers: Any) -> None:
    metadata = {
        "BlobTrigger": "in/x.bin",
        "Properties": {"t": "json", "v": "{}"},
        "Uri": "http://x",
    }
    result = triggers.invoke("blob", blob=b"abc", _metadata=metadata)
    assert result.messages() == ["in/x.bin 3"]
    assert result.payload == b"cba"
    big = bytes(range(256)) * 8192
    call = triggers.send_invoke("blob", blob=big, _metadata=metadata, _chunk=200_000)
    result = triggers.result(call)
    assert result.frame["outputs"]["out"] == {"t": "bytes", "chunks": True, "n": len(big)}
    while call not in triggers._ended_bodies:
        triggers.wait_for_any()
    assert bytes(triggers._bodies[call]) == big[::-1]


def test_timer(triggers: Any) -> None:
    payload = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": True}
    assert triggers.invoke("timer", tick={"t": "json", "v": json.dumps(payload)}).messages()[0] in (
        "True None",
        "True {}",
    )


def test_a_trigger_unknown_to_the_library(triggers: Any) -> None:
    returned = triggers.invoke("unknown", x="hi").frame["return"]
    assert returned["t"] == "json"
    assert json.loads(returned["v"]) == {"text": "hi", "list": [1, 2.5, None]}


OUTPUTS = {
    "dict": {"t": "json", "v": '{"a": 1}'},
    "'x'": {"t": "string", "v": "x"},
    "5": {"t": "int", "v": 5},
    "True": {"t": "int", "v": 1},
    "2.5": {"t": "double", "v": 2.5},
    "float('inf')": {"t": "string", "v": "inf"},
    "10 ** 30": {"t": "json", "v": "1" + "0" * 30},
    "b'xy'": {"t": "bytes", "at": 0, "n": 2},
    "bytearray(b'xy')": {"t": "bytes", "at": 0, "n": 2},
    "[1]": {"t": "json", "v": "[1]"},
}


def test_outputs_unknown_to_the_library(triggers: Any) -> None:
    for text, datum in OUTPUTS.items():
        assert triggers.invoke("outputs", x=text).frame["outputs"] == {"out": datum}, text
    assert triggers.invoke("outputs", x="None").frame["outputs"] == {}
    assert triggers.invoke("outputs", x="object()").error["message"] == (
        'TypeError: unable to encode outgoing TypedData: unsupported type "someOutput" for Python type "object"'
    )


def test_too_much_for_one_frame(triggers: Any) -> None:
    assert "exceed 8 MiB" in triggers.invoke("outputs", x="['x' * (9 << 20)]").error["message"]


def test_decoding_failures_are_errors(triggers: Any) -> None:
    error = triggers.invoke("timer", tick=b"xx").error
    assert error["message"].startswith(
        "TypeError: unable to decode incoming TypedData: unsupported combination"
    )


def test_a_request_that_is_not_http(app: Callable[..., Any]) -> None:
    host = app(folder("F", "def main(req): return ''", [TRIGGER, RETURN]))
    assert "unable to decode incoming TypedData" in host.invoke("F", req="text").error["message"]


# Memory

MEMORY = (
    HEAD
    + """
import gc, time
kept = []
@app.route(route="keeps")
def keeps(req) -> str:
    kept.append(bytearray(20 << 20))
    return ""
@app.route(route="borrows")
def borrows(req) -> str:
    x = bytearray(60 << 20)
    del x
    return ""
@app.route(route="nothing")
def nothing(req) -> str:
    return ""
@app.route(route="slow")
def slow(req) -> str:
    x = bytearray(40 << 20)
    time.sleep(0.3)
    return ""
"""
)
MIB = 1 << 20


def test_memory_of_each_invocation(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": MEMORY})
    host.get("nothing")
    keeps = host.get("keeps").frame["memory"]
    assert 19 * MIB < keeps["rss_after"] - keeps["rss_before"] < 24 * MIB
    assert keeps["rss_peak"] >= keeps["rss_after"]
    borrows = host.get("borrows").frame["memory"]
    assert abs(borrows["rss_after"] - borrows["rss_before"]) < 4 * MIB
    assert 58 * MIB < borrows["rss_peak"] - borrows["rss_before"] < 66 * MIB
    nothing = host.get("nothing").frame["memory"]
    assert nothing["rss_peak"] - nothing["rss_before"] < 4 * MIB, (
        "the peak of one is not the next one's"
    )
    slow = host.send_invoke("slow", req=http())
    time.sleep(0.1)
    beside = host.get("nothing").frame["memory"]
    assert beside["rss_before"] - nothing["rss_before"] > 35 * MIB
    assert host.result(slow).frame["memory"]["rss_peak"] >= beside["rss_before"] - MIB


def test_memory_is_not_measured_unless_asked(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": MEMORY}, memory=False)
    assert "memory" not in host.get("nothing").frame


def test_nothing_grows_with_traffic(make_host: Callable[..., Any], newest_python: str) -> None:
    host = make_host(
        newest_python,
        {
            "function_app.py": MEMORY
            + '@app.route(route="e")\nasync def e(req) -> str:\n    logging.info("x")\n    return req.params.get("x")\n'
        },
    )
    host.start(threads=4)  # each further thread has a stack and an arena

    def load(count: int) -> int:
        for name in ("nothing", "e"):
            for _ in range(count // 100):
                calls = [
                    host.send_invoke(name, req=http(query={"x": "y"}, body=b"x" * 500))
                    for _ in range(50)
                ]
                for call in calls:
                    host.result(call)
                    del host._results[call]
                host.logs.clear()
        return int(host.get("nothing").frame["memory"]["rss_after"])

    load(1000)
    before = load(1000)
    assert load(6000) - before < 1 * MIB

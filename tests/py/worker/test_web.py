"""Web frameworks behind a function: AsgiFunctionApp, WsgiFunctionApp, their middlewares, and streaming."""

import json
import time
from typing import Any, Callable, Dict, List

import pytest
from app_files import RETURN, TRIGGER, folder
from fakehost import http

FASTAPI = """
import azure.functions as func, logging
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
started = []
@asynccontextmanager
async def lifespan(api):
    started.append(1)
    yield
api = FastAPI(lifespan=lifespan)
@api.get("/api/items/{item}")
async def item(item: int, q: str = "", request: Request = None):
    logging.info("item %d", item)
    return {"item": item, "q": q, "started": len(started), "path": request.url.path}
@api.post("/api/items")
def create(body: dict):
    return {"got": body}
@api.get("/api/boom")
def boom():
    1/0
app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
"""


@pytest.fixture
def start(make_host: Callable[..., Any], web_python: str) -> Callable[..., Any]:
    def started(files: Dict[str, str], **init: Any) -> Any:
        host = make_host(web_python, files)
        host.start(**init)
        assert host.index["error"] is None, host.index["error"]["stack"]
        return host

    return started


def test_fastapi(start: Callable[..., Any]) -> None:
    host = start({"function_app.py": FASTAPI})
    function = host.function("http_app_func")
    trigger = next(b for b in function["bindings"] if b["type"] == "httpTrigger")
    assert trigger["route"] == "/{*route}"
    for _ in range(2):
        result = host.get(
            "http_app_func", req=http(url="http://localhost:7071/api/items/7?q=x%20y")
        )
        assert (result.status, json.loads(result.body)) == (
            200,
            {"item": 7, "q": "x y", "started": 1, "path": "/api/items/7"},
        )
        assert "item 7" in result.messages()
    assert host.get("http_app_func", req=http(url="http://h/api/items/no")).status == 422
    assert host.get("http_app_func", req=http(url="http://h/nowhere")).status == 404
    posted = http(
        "POST", "http://h/api/items", {"content-type": "application/json"}, body=b'{"a": 1}'
    )
    assert json.loads(host.get("http_app_func", req=posted).body) == {"got": {"a": 1}}
    assert host.get("http_app_func", req=http(url="http://h/api/boom")).error["message"] == (
        "ZeroDivisionError: division by zero"
    )


FLASK = """
import azure.functions as func
from flask import Flask, request
web = Flask(__name__)
@web.get("/api/items/<int:item>")
def item(item):
    return {"item": item, "q": request.args.get("q")}, 202, {"X-A": "1"}
@web.post("/api/items")
def create():
    return request.get_data() * 2
app = func.WsgiFunctionApp(app=web.wsgi_app, http_auth_level=func.AuthLevel.ANONYMOUS)
"""


def test_flask(start: Callable[..., Any]) -> None:
    host = start({"function_app.py": FLASK})
    result = host.get("http_app_func", req=http(url="http://localhost:7071/api/items/7?q=x%20y"))
    assert (result.status, json.loads(result.body)) == (202, {"item": 7, "q": "x y"})
    headers = {k.lower(): v for k, v in result.frame["return"]["headers"].items()}
    assert headers["x-a"] == "1"
    assert (
        host.get("http_app_func", req=http("POST", "http://h/api/items", body=b"ab")).body
        == b"abab"
    )
    assert host.get("http_app_func", req=http(url="http://h/nowhere")).status == 404


def test_middlewares_in_folders(start: Callable[..., Any]) -> None:
    asgi = FASTAPI.split("app = func.Asgi")[0]
    wsgi = FLASK.split("app = func.Wsgi")[0]
    host = start(
        {
            **folder("A", asgi + "main = func.AsgiMiddleware(api).main\n", [TRIGGER, RETURN]),
            **folder(
                "W", wsgi + "main = func.WsgiMiddleware(web.wsgi_app).main\n", [TRIGGER, RETURN]
            ),
            **folder(
                "H",
                asgi
                + "async def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:\n"
                "    return await func.AsgiMiddleware(api).handle_async(req, context)\n",
                [TRIGGER, RETURN],
            ),
        }
    )
    for name in "AWH":
        assert json.loads(host.get(name, req=http(url="http://h/api/items/3")).body)["item"] == 3


# Streaming

STREAM = """
import asyncio, time
import azure.functions as func
from azurefunctions.extensions.http.fastapi import (
    HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Request, Response, StreamingResponse)
from fastapi import HTTPException
import logging
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="count")
async def count(req: Request) -> StreamingResponse:
    async def numbers():
        for n in range(5):
            logging.info("sending %d", n)
            yield f"{n};"
            await asyncio.sleep(0.05)
    return StreamingResponse(numbers(), media_type="text/event-stream", headers={"x-a": "1"})

@app.route(route="plain_generator")
def plain_generator(req: Request) -> StreamingResponse:
    return StreamingResponse((b"%d;" % n for n in range(3)), status_code=201)

@app.route(route="upload", methods=["POST"])
async def upload(req: Request) -> JSONResponse:
    sizes = []
    async for chunk in req.stream():
        sizes.append(len(chunk))
    return JSONResponse({"total": sum(sizes), "chunks": len([s for s in sizes if s]),
                         "path": req.url.path, "header": req.headers["x-b"],
                         "query": dict(req.query_params), "params": dict(req.path_params)})

@app.route(route="whole", methods=["POST"])
async def whole(req: Request) -> Response:
    body = await req.body()
    return Response(body[::-1], media_type="application/x")

@app.route(route="other")
async def other(req: Request):
    kind = req.query_params["kind"]
    if kind == "dict": return {"a": [1, None]}
    if kind == "str": return "text"
    if kind == "int": return 5
    if kind == "html": return HTMLResponse("<p>")
    if kind == "redirect": return RedirectResponse("/elsewhere")
    if kind == "cookie":
        r = PlainTextResponse("c"); r.set_cookie("a", "1"); r.set_cookie("b", "2"); return r
    if kind == "zero": 1/0
    if kind == "exit": raise SystemExit(3)
    if kind == "teapot": raise HTTPException(418, "tea")
    if kind == "none": return None

@app.route(route="breaks")
async def breaks(req: Request) -> StreamingResponse:
    async def numbers():
        yield "one;"
        raise ValueError("midway")
    return StreamingResponse(numbers())

@app.route(route="endless")
async def endless(req: Request, context) -> StreamingResponse:
    async def numbers():
        try:
            while True:
                yield b"x" * 100000
                await asyncio.sleep(0)
        finally:
            logging.info("generator closed")
    return StreamingResponse(numbers())

@app.schedule(schedule="0 * * * * *", arg_name="t")
def beside(t: func.TimerRequest):
    pass
"""


@pytest.fixture
def stream(make_host: Callable[..., Any], stream_python: str) -> Any:
    host = make_host(stream_python, {"function_app.py": STREAM})
    host.start()
    assert host.index["error"] is None, host.index["error"]["stack"]
    return host


def ask(host: Any, name: str, **more: Any) -> Any:
    url = more.pop("url", "http://localhost:7071/api/" + name)
    return host.get(name, req=http(url=url, **more), _stream=True)


def test_chunks_are_sent_as_they_come(stream: Any) -> None:
    assert stream.function("count")["stream"]
    assert not stream.function("beside")["stream"]
    call = stream.send_invoke("count", req=http(url="http://h/api/count"), _stream=True)
    times: List[float] = []
    chunks: List[bytes] = []
    while True:
        kind, body, payload = stream.receive()
        stream._note((kind, body, payload))
        if kind == "B" and payload:
            times.append(time.monotonic())
            chunks.append(payload)
        if kind == "R":
            break
    assert chunks == [b"0;", b"1;", b"2;", b"3;", b"4;"]
    assert times[-1] - times[0] > 0.15
    answer = stream.answers[call]
    assert answer["status"] == 200
    assert answer["headers"]["x-a"] == ["1"]
    assert answer["headers"]["content-type"] == ["text/event-stream; charset=utf-8"]
    result = stream.result(call)
    assert result.frame["ok"]
    assert "return" not in result.frame
    assert result.messages() == [f"sending {n}" for n in range(5)]
    assert result.frame["memory"]["rss_after"] > 0


def test_a_sync_function_may_stream(stream: Any) -> None:
    result = ask(stream, "plain_generator")
    assert result.body == b"0;1;2;"
    assert stream.answers[result.frame["id"]]["status"] == 201


def test_uploads_arrive_in_chunks(stream: Any) -> None:
    call = stream.send_invoke(
        "upload",
        req=http(
            "POST",
            "http://h/api/upload?q=1",
            {"x-b": "y"},
            params={"p": "v"},
            body=b"x" * 1_000_000,
        ),
        _stream=True,
        _chunk=100_000,
    )
    assert json.loads(stream.result(call).body) == {
        "total": 1_000_000,
        "chunks": 10,
        "path": "/api/upload",
        "query": {"q": "1"},
        "params": {"p": "v"},
        "header": "y",
    }
    whole = stream.get("whole", req=http("POST", "http://h/api/whole", body=b"abc"), _stream=True)
    assert whole.body == b"cba"


def test_an_upload_that_breaks_off(stream: Any) -> None:
    request = {
        **http("POST", "http://h/api/whole"),
        "body": {"t": "bytes", "chunks": True, "n": -1},
    }
    call = stream.send_invoke("whole", req=request, _stream=True)
    stream.send("b", {"id": call, "last": False}, b"abc")
    stream.send("b", {"id": call, "last": True, "error": "gone"})
    assert stream.result(call).error["type"] == "ClientDisconnect"


def test_every_kind_of_answer(stream: Any) -> None:
    def answer(kind: str) -> Any:
        result = ask(stream, "other", url=f"http://h/api/other?kind={kind}")
        return result, stream.answers.get(result.frame["id"])

    for kind, want in {"dict": {"a": [1, None]}, "str": "text", "int": 5, "none": None}.items():
        result, head = answer(kind)
        assert (head["status"], json.loads(result.body)) == (200, want)
    assert answer("html")[1]["headers"]["content-type"] == ["text/html; charset=utf-8"]
    assert answer("redirect")[1]["status"] == 307
    assert answer("cookie")[1]["cookies"] == [
        "a=1; Path=/; SameSite=lax",
        "b=2; Path=/; SameSite=lax",
    ]
    for kind, message in {
        "zero": "ZeroDivisionError: division by zero",
        "exit": "SystemExit: 3",
    }.items():
        result, head = answer(kind)
        assert result.error["message"] == message
        assert result.error["stack"].startswith(f'  File "{stream.root}/function_app.py", ')
        assert head is None, "the host answers for a function that failed"
    result, head = answer("teapot")
    assert head["status"] == 418
    assert result.error["type"] == "HTTPException"


def test_a_stream_that_breaks_is_told(stream: Any) -> None:
    result = ask(stream, "breaks")
    assert result.error["message"] == "ValueError: midway"
    assert stream.body_error(result.frame["id"]) == "ValueError: midway"
    assert bytes(stream._bodies[result.frame["id"]]) == b"one;"


def test_a_slow_client_slows_its_own_function_only(stream: Any) -> None:
    call = stream.send_invoke("endless", req=http(url="http://h/api/endless"), _stream=True)
    stream.sock.settimeout(0.7)
    with pytest.raises(AssertionError, match="no frame"):
        while True:
            stream.wait_for_any()
    stream.sock.settimeout(30)
    taken = len(stream._bodies[call])
    assert 900_000 <= taken <= 1 << 20, "the window is one MiB"
    assert ask(stream, "count").body == b"0;1;2;3;4;"
    assert len(stream._bodies[call]) == taken
    stream.send("k", {"id": call, "n": 300_000})
    while len(stream._bodies[call]) < taken + 200_000:
        stream.wait_for_any()
    stream.send("c", {"id": call})
    result = stream.result(call)
    assert result.frame["id"] == call
    assert "generator closed" in result.messages()

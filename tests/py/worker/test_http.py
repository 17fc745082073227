"""HTTP: what the function sees of a request, and what becomes of its answer."""

import hashlib
import json
import os
import random
from typing import Any, Callable, Dict

import pytest
from app_files import HEAD
from fakehost import http

ECHO = (
    HEAD
    + """
import hashlib, json
@app.route(route="see")
def see(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_body()
    assert type(body) is bytes
    return func.HttpResponse(json.dumps(dict(
        method=req.method, url=req.url, headers=dict(req.headers), params=dict(req.params),
        route=dict(req.route_params), size=len(body), digest=hashlib.sha256(body).hexdigest())))

@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")

@app.route(route="json")
async def json_of(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(repr(req.get_json()))
"""
)


def test_the_request(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ECHO})
    url = "http://localhost:7071/api/see/a%20b?x=1&y=%C3%A4"
    request = http(
        "POST",
        url,
        {"host": "localhost:7071", "x-a": "1,2"},
        {"x": "1", "y": "ä"},
        {"p": "a b"},
        b"\0\xff",
    )
    seen = json.loads(host.get("see", req=request).body)
    assert seen == {
        "method": "POST",
        "url": url,
        "headers": {"host": "localhost:7071", "x-a": "1,2"},
        "params": {"x": "1", "y": "ä"},
        "route": {"p": "a b"},
        "size": 2,
        "digest": hashlib.sha256(b"\0\xff").hexdigest(),
    }
    assert host.get("json_of", req=http(body=b'{"a": [1, null]}')).body == b"{'a': [1, None]}"
    assert "ValueError" in host.get("json_of", req=http(body=b"{")).error["message"]


@pytest.mark.parametrize("size", [0, 1, (1 << 20), (1 << 20) + 1, 10 << 20])
def test_bodies_of_every_size(app: Callable[..., Any], size: int) -> None:
    host = app({"function_app.py": ECHO})
    body = os.urandom(size)
    chunk = random.choice([65536, 262144, 262143])
    result = host.get(
        "echo", req=http("POST", body=body), **({"_chunk": chunk} if size > 1 << 20 else {})
    )
    assert result.body == body
    assert bool(result.frame["return"]["body"].get("chunks")) == (size > 1 << 20)


def test_chunks_of_two_requests_interleave(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ECHO})
    bodies = [os.urandom(600_000), os.urandom(700_000)]
    calls = [
        host.send_invoke(
            "echo", req={**http("POST"), "body": {"t": "bytes", "chunks": True, "n": len(b)}}
        )
        for b in bodies
    ]
    for at in range(0, 700_000, 100_000):
        for call, body in zip(calls, bodies):
            if at < len(body):
                host.send(
                    "b", {"id": call, "last": at + 100_000 >= len(body)}, body[at : at + 100_000]
                )
    assert [host.result(call).body for call in calls] == bodies


def test_a_body_that_breaks_off(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ECHO})
    call = host.send_invoke(
        "echo", req={**http("POST"), "body": {"t": "bytes", "chunks": True, "n": 100}}
    )
    host.send("b", {"id": call, "last": False}, b"abc")
    host.send("b", {"id": call, "last": True, "error": "client gone"})
    assert (
        host.result(call).error["message"]
        == "OSError: the body of the request broke off: client gone"
    )
    assert host.get("echo", req=http(body=b"x")).body == b"x"


def test_bodies_are_not_kept(app: Callable[..., Any]) -> None:
    """Resident memory after many large requests is that after one."""
    host = app({"function_app.py": ECHO})
    body = bytes(8 << 20)
    for sync in ("echo", "see"):
        assert host.get(sync, req=http("POST", body=body), _chunk=262144).status == 200
    after_first = host.get("see").frame["memory"]["rss_after"]
    for _ in range(6):
        host.get("echo", req=http("POST", body=body), _chunk=262144)
    last = host.get("see").frame["memory"]
    assert last["rss_after"] - after_first < 4 << 20
    assert last["rss_after"] < 64 << 20


def test_one_copy_of_a_large_body(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ECHO})
    memory = host.get("see", req=http("POST", body=bytes(64 << 20)), _chunk=262144).frame["memory"]
    assert memory["rss_peak"] < (64 + 45) << 20


ANSWERS = (
    HEAD
    + """
from http import HTTPStatus
CASES = {
    "text": lambda: func.HttpResponse("ä", status_code=201),
    "empty": lambda: func.HttpResponse(),
    "bytes": lambda: func.HttpResponse(b"\\xff", mimetype="application/x"),
    "status": lambda: func.HttpResponse(status_code=HTTPStatus.NOT_FOUND),
    "charset": lambda: func.HttpResponse("ä", charset="latin-1", mimetype="text/html"),
    "headers": lambda: func.HttpResponse("x", headers={"X-A": "1", "Content-Type": "text/x"}),
    "string": lambda: "ä" * 3,
    "long string": lambda: "ä" * 70000,
    "huge string": lambda: "ä" * 1500000,
    "none": lambda: None,
    "number": lambda: 5,
    "raw bytes": lambda: b"x",
    "long headers": lambda: func.HttpResponse("x", headers={"X-A": "a" * (9 << 20)}),
}
@app.route(route="f")
def f(req):
    return CASES[req.params["case"]]()
"""
)

EXPECTED: Dict[str, Any] = {
    "text": (201, {"content-type": "text/plain; charset=utf-8"}, "ä".encode()),
    "empty": (200, {"content-type": "text/plain; charset=utf-8"}, b""),
    "bytes": (200, {"content-type": "application/x"}, b"\xff"),
    "status": (404, {"content-type": "text/plain; charset=utf-8"}, b""),
    "charset": (200, {"content-type": "text/html; charset=latin-1"}, b"\xe4"),
    "headers": (200, {"x-a": "1", "content-type": "text/x"}, b"x"),
}


def test_answers(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ANSWERS})

    def ask(case: str) -> Any:
        return host.get("f", req=http(query={"case": case}))

    for case, (status, headers, body) in EXPECTED.items():
        result = ask(case)
        returned = result.frame["return"]
        assert (result.status, result.body) == (status, body), case
        assert {k.lower(): v for k, v in returned["headers"].items()} == headers
        assert returned["cookies"] == []
    assert ask("string").frame["return"] == {"t": "string", "v": "äää"}
    long = ask("long string")
    assert long.frame["return"]["t"] == "string"
    assert long.body.decode() == "ä" * 70000
    huge = ask("huge string")
    assert huge.frame["return"]["chunks"]
    assert huge.body.decode() == "ä" * 1500000
    assert "over the limit" in ask("long headers").error["message"]
    for case, kind in (("none", "NoneType"), ("number", "int"), ("raw bytes", "bytes")):
        assert ask(case).error["message"] == (
            f'TypeError: unable to encode outgoing TypedData: unsupported type "http" for Python type "{kind}"'
        )


COOKIES = (
    HEAD
    + """
@app.route(route="c")
def c(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x")
    for line in req.get_body().decode().splitlines():
        response.headers.add("Set-Cookie", line)
    return response
"""
)

LINES = {
    "foo=bar": "foo=bar; domain=; path=",
    "a=1; Path=/; Secure; HttpOnly; SameSite=Lax": "a=1; domain=; path=/; secure; samesite=lax; httponly",
    "a=1; HttpOnly; Domain=x.com; Max-Age=60": "a=1; max-age=60; domain=x.com; path=; httponly",
    "a=1; expires=Thu, 12 Jan 2017 13:55:08 GMT": "a=1; expires=Thu, 12 Jan 2017 13:55:08 GMT; domain=; path=",
    "a=1; expires=Thu, 12-Jan-2017 13:55:08 GMT": "a=1; expires=Thu, 12 Jan 2017 13:55:08 GMT; domain=; path=",
    'a="x y"': "a=x%20y; domain=; path=",
    "a=1; samesite=None": "a=1; domain=; path=; samesite=none",
    "a=1; samesite=odd": "a=1; domain=; path=",
}


@pytest.fixture
def cookie_host(make_host: Callable[..., Any], newest_python: str) -> Any:
    host = make_host(newest_python, {"function_app.py": COOKIES})
    host.start()
    return host


def test_cookies(cookie_host: Any) -> None:
    for given, want in LINES.items():
        returned = cookie_host.get("c", req=http(body=given.encode())).frame["return"]
        assert returned["cookies"] == [want], given
        assert "set-cookie" not in {k.lower() for k in returned["headers"]}
    unreadable = cookie_host.get(
        "c", req=http(body=b"a=1; expires=Thursday, 12-Jan-17 13:55:08 GMT")
    ).frame["return"]
    assert unreadable["cookies"] == []
    both = cookie_host.get("c", req=http(body=b"a=1\na=2; Path=/p\nb=3")).frame["return"]["cookies"]
    assert both == ["a=1; domain=; path=", "a=2; domain=; path=/p", "b=3; domain=; path="]


def test_a_bad_date_in_a_cookie(cookie_host: Any) -> None:
    result = cookie_host.get("c", req=http(body=b"a=1; expires=Thu, 99 Jan 2017 13:55:08 GMT"))
    assert result.error["type"] == "ValueError"
    text = "Can not parse value Thu, 99 Jan 2017 13:55:08 GMT of expires in the cookie due to invalid format."
    assert [(log["message"], log["level"], log["logger"]) for log in result.logs] == [
        (text, 40, "root")
    ]


def test_dates_in_every_form(worker_module: Callable[[str], Any]) -> None:
    expires = worker_module("httpdata")._expires
    forms = [
        "Thu, 12 Jan 2017 13:55:08 GMT",
        "Thursday, 12-Jan-17 13:55:08 GMT",
        "Thu, 12-Jan-2017 13:55:08 GMT",
        "Thu Jan 12 13:55:08 2017",
        "2017-01-12T13:55:08Z",
        "2017-01-12T14:55:08+01:00",
        "2017-01-12T13:55:08",
    ]
    assert {worker_module("httpdata")._rfc1123(expires(f)) for f in forms} == {forms[0]}


def test_status_of_every_spelling(worker_module: Callable[[str], Any]) -> None:
    code = worker_module("httpdata").status_code
    assert [code(v) for v in (200, "404", "HTTPStatus.CREATED")] == [200, 404, 201]
    with pytest.raises((ValueError, KeyError)):
        code("HTTPStatus.NONE_SUCH")

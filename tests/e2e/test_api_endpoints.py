"""The endpoints as curl sees them: shapes, errors, limits, who may ask."""

import datetime
import gzip
import json
import re
import socket
import time
from typing import Any, Callable, Dict

import pytest

NOW = datetime.datetime.now(datetime.timezone.utc)


def message(text: str, hours_ago: float = 0) -> Dict[str, Any]:
    time_ = (NOW - datetime.timedelta(hours=hours_ago)).isoformat()
    data = {"baseType": "MessageData", "baseData": {"message": text, "properties": {"a": "b"}}}
    return {"time": time_, "data": data}


def test_ingestion_takes_gzip_and_lines(serve: Callable[..., Any]) -> None:
    server = serve()
    lines = "\n".join(json.dumps(message(f"m{i}")) for i in range(100)).encode()
    headers = {"Content-Encoding": "gzip"}
    status, answer, _ = server.ask("/v2/track", gzip.compress(lines), headers=headers)
    assert (status, answer["itemsAccepted"]) == (200, 100)
    status, answer, _ = server.ask("/v2.1//track", lines)
    assert (status, answer["itemsAccepted"]) == (200, 100)
    assert server.rows("traces | count") == [[200]]


def test_bad_ingestion_is_told(serve: Callable[..., Any]) -> None:
    server = serve()
    status, answer, _ = server.ask("/v2/track", [message("good"), {"time": "x"}])
    assert (status, answer["itemsAccepted"], answer["errors"][0]["index"]) == (206, 1, 1)
    assert server.ask("/v2/track", b"nothing useful")[0] == 400
    headers = {"Content-Encoding": "gzip"}
    assert server.ask("/v2/track", b"not gzip", headers=headers)[0] == 400
    bomb = gzip.compress(b"x" * (40 << 20))
    assert server.ask("/v2/track", bomb, headers=headers)[0] == 413
    assert server.ask("/v2/track")[0] == 405
    assert server.rows("traces | project message") == [["good"]]


def test_timespan_is_anded_with_the_query(serve: Callable[..., Any]) -> None:
    server = serve()
    server.ask("/v2/track", [message("new", 0.1), message("old", 5), message("ancient", 50)])
    body = {"query": "traces | project message | order by message asc", "timespan": "PT6H"}
    _, answer, _ = server.ask("/v1/apps/x/query", body)
    assert answer["tables"][0]["rows"] == [["new"], ["old"]]
    _, answer, _ = server.ask(
        "/v1/apps/x/query?query=union%20traces%2C%20requests%7Ccount&timespan=P1D"
    )
    assert answer["tables"][0]["rows"] == [[2]]
    assert server.ask("/v1/apps/x/query", {"query": "traces", "timespan": "yesterday"})[0] == 400


def test_dynamics_are_text_or_values_by_protocol(serve: Callable[..., Any]) -> None:
    server = serve()
    query = "print d=dynamic({'k':[1,2]}), n=dynamic(null)"
    _, answer, _ = server.ask("/v1/apps/x/query", {"query": query})
    assert answer["tables"][0]["rows"] == [['{"k":[1,2]}', None]]
    _, answer, _ = server.ask("/v1/rest/query", {"db": "x", "csl": query})
    assert answer["Tables"][0]["Rows"] == [[{"k": [1, 2]}, None]]
    _, answer, _ = server.ask("/v2/rest/query", {"db": "x", "csl": query})
    assert answer[2]["Rows"] == [[{"k": [1, 2]}, None]]
    headers = {"Prefer": "ai.response-thinning=false"}
    _, answer, _ = server.ask("/v1/apps/x/query", {"query": query}, headers=headers)
    assert answer["Tables"][0]["Rows"] == [[{"k": [1, 2]}, None]]


def test_several_results_and_a_chart(serve: Callable[..., Any]) -> None:
    server = serve()
    headers = {"Prefer": "include-render=true,include-statistics=true"}
    body = {"query": "print a=1 | render table; print b=2"}
    _, answer, _ = server.ask("/v1/workspaces/x/query", body, headers=headers)
    assert [table["name"] for table in answer["tables"]] == ["PrimaryResult", "Table_0"]
    assert answer["render"]["visualization"] == "table"
    assert answer["render"]["xColumn"] is None and answer["render"]["yMin"] == "NaN"
    assert answer["statistics"]["query"]["executionTime"] >= 0


def test_errors_name_the_place(serve: Callable[..., Any]) -> None:
    server = serve()
    query = "traces\n| where 'é' == nope"
    status, answer, _ = server.ask("/v1/apps/x/query", {"query": query})
    inner = answer["error"]["innererror"]["innererror"]
    assert (status, answer["error"]["code"]) == (400, "BadArgumentError")
    assert (inner["line"], inner["pos"], inner["token"]) == (2, 16, "nope")
    headers = {"x-ms-client-request-id": "my;id"}
    status, answer, got = server.ask("/v2/rest/query", {"db": "x", "csl": query}, headers=headers)
    assert (status, answer["error"]["code"]) == (400, "General_BadRequest")
    assert answer["error"]["@message"].startswith("Semantic error: ")
    assert got["x-ms-client-request-id"] == "my;id"
    assert re.fullmatch("[0-9a-f-]{36}", got["x-ms-activity-id"])
    status, answer, _ = server.ask("/v1/rest/mgmt", {"db": "x", "csl": ".drop table traces"})
    assert (status, ".drop table traces" in answer["error"]["@message"]) == (400, True)


@pytest.mark.parametrize(
    "path", ["/", "/v1/apps/x/nothing", "/v1/apps//query", "/v1/apps/x", "/v3/rest/query"]
)
def test_other_paths_are_not_there(serve: Callable[..., Any], path: str) -> None:
    status, answer, _ = serve().ask(path)
    assert (status, answer["error"]["code"]) == (404, "PathNotFoundError")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"query":5}', b'{"csl":null}', b"\xff\xfe"])
def test_bad_bodies_are_told(serve: Callable[..., Any], body: bytes) -> None:
    server = serve()
    for path in ["/v1/apps/x/query", "/v1/rest/query", "/v2/rest/query", "/v1/rest/mgmt"]:
        status, answer, _ = server.ask(path, body)
        assert (status, bool(answer["error"])) == (400, True)


def test_the_schema_is_described(serve: Callable[..., Any]) -> None:
    server = serve()
    _, answer, _ = server.ask("/v1/apps/x/metadata")
    traces = next(table for table in answer["tables"] if table["name"] == "traces")
    assert traces["columns"][:2] == [
        {"name": "timestamp", "type": "datetime"},
        {"name": "message", "type": "string"},
    ]
    _, answer, _ = server.ask("/v1/workspaces/x/metadata")
    assert "AppTraces" in [table["name"] for table in answer["tables"]]
    assert "AzureAD" in server.ask("/v1/rest/auth/metadata")[1]
    assert server.ask("/v1/rest/ping")[0] == 200


# Many seconds of work, in little memory.
LONG = 'range i from 1 to 100000000 step 1 | where tostring(i) matches regex "9{9}x" | count'


def test_a_long_query_ends_at_its_deadline(serve: Callable[..., Any]) -> None:
    server = serve("--query-timeout", "1")
    query = LONG
    started = time.monotonic()
    status, answer, _ = server.ask("/v1/apps/x/query", {"query": query})
    assert (status, time.monotonic() - started < 10) == (504, True)
    assert server.rows("print 1") == [[1]]


def test_a_query_ends_when_its_client_leaves(serve: Callable[..., Any]) -> None:
    server = serve()
    body = json.dumps({"query": LONG}).encode()
    head = (
        f"POST /v1/apps/x/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(20):  # more than may run at a time: each must have ended before
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
            s.sendall(head.encode() + body)
            time.sleep(0.05)
        time.sleep(0.5)
    assert server.rows("print 1") == [[1]]


def test_the_end_answers_what_still_runs(serve: Callable[..., Any]) -> None:
    server = serve()
    body = json.dumps({"query": LONG}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as s:
        s.sendall(
            f"POST /v1/apps/x/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        time.sleep(0.5)
        assert server.stop() == 0
        answer = s.recv(65536)
        assert answer.startswith(b"HTTP/1.1 ")
        assert b"cancelled" in answer.lower()


def test_too_many_queries_at_a_time_are_refused(serve: Callable[..., Any]) -> None:
    server = serve()
    body = json.dumps({"query": LONG}).encode()
    head = (
        f"POST /v1/apps/x/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    sockets = []
    for _ in range(8):
        sockets.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        sockets[-1].sendall(head.encode() + body)
    time.sleep(0.3)
    assert server.ask("/v1/apps/x/query", {"query": "print 1"})[0] == 429
    for s in sockets:
        s.close()
    time.sleep(1.5)
    assert server.rows("print 1") == [[1]]


def test_a_result_that_is_too_large_says_so(serve: Callable[..., Any]) -> None:
    server = serve()
    query = "range i from 1 to 600000 step 1"
    status, answer, _ = server.ask("/v1/apps/x/query", {"query": query}, timeout=60)
    assert (status, len(answer["tables"][0]["rows"])) == (200, 500000)
    assert answer["error"]["code"] == "PartialError"
    options = {"Options": {"query_take_max_records": 5}}
    body = {"db": "x", "csl": query, "properties": options}
    _, answer, _ = server.ask("/v2/rest/query", body)
    assert len(answer[2]["Rows"]) == 5
    assert answer[-1]["HasErrors"] is False


def test_strangers_need_the_token(serve: Callable[..., Any]) -> None:
    server = serve("--token", "s3cret")
    body = {"query": "print 1"}
    assert server.ask("/v1/apps/x/query", body)[0] == 401
    for headers in [{"x-api-key": "s3cret"}, {"Authorization": "Bearer s3cret"}]:
        assert server.ask("/v1/apps/x/query", body, headers=headers)[0] == 200
    assert server.ask("/v2/track", [message("x")])[0] == 401


def test_names_of_other_hosts_are_refused(serve: Callable[..., Any]) -> None:
    server = serve()
    for headers in [{"Host": "rebound.example"}, {"Origin": "https://page.example"}]:
        assert server.ask("/v1/apps/x/query", {"query": "print 1"}, headers=headers)[0] == 403


def test_it_is_not_opened_wide_without_a_token(run: Callable[..., Any], program: str) -> None:
    done = run([program, "serve", "--host", "0.0.0.0"], status=2)
    assert "--token" in done.stderr

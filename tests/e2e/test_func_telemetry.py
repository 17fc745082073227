"""Records of the host in the store, its query endpoints, and telemetry of real clients (specs, 6)."""

import gzip
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from e2e_apps import python_with_memline
from funchost import Host, environment, write_app

needs_library = pytest.importorskip("azure.functions", reason="azure-functions is not installed")

APP = """
import logging
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("saying hello")
    return func.HttpResponse("hello")

@app.route(route="fails")
def fails(req: func.HttpRequest) -> func.HttpResponse:
    return 1 / 0

@app.route(route="taken")
def taken(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=409)

@app.timer_trigger(arg_name="t", schedule="0 0 0 1 1 *")
def yearly(t: func.TimerRequest) -> None:
    pass
"""


def query(host: Any, text: str) -> List[Dict[str, Any]]:
    """Rows of a KQL query, asked at the host's own port."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
    connection.request(
        "POST",
        "/v1/apps/any/query",
        json.dumps({"query": text}),
        {"Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    (table,) = json.loads(body)["tables"]
    names = [c["name"] for c in table["columns"]]
    return [dict(zip(names, row)) for row in table["rows"]]


def wait_for_rows(host: Any, text: str, count: int, seconds: float = 30) -> List[Dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while True:
        rows = query(host, text)
        if len(rows) >= count or time.monotonic() > deadline:
            return rows
        time.sleep(0.2)


def test_rows_of_an_invocation(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        host.ask("/api/hello?x=1", headers={"X-Forwarded-For": "10.1.2.3, 10.0.0.1"})
        host.ask("/api/fails")
        host.ask("/api/taken")
        assert host.ask("/admin/functions/yearly", "POST", '{"input": ""}')[0] == 202
        rows = {r["name"]: r for r in wait_for_rows(host, "invocations", 4)}
        assert {n: (r["trigger"], r["success"], r["resultCode"]) for n, r in rows.items()} == {
            "hello": ("httpTrigger", "True", "200"),
            "fails": ("httpTrigger", "False", "500"),
            "taken": ("httpTrigger", "True", "409"),
            "yearly": ("timerTrigger", "True", "0"),
        }
        worker = host.workers()[0]
        for row in rows.values():
            assert row["processId"] == worker
            assert 1 << 20 < row["rssBefore"] <= row["rssPeak"]
            assert row["rssAfter"] <= row["rssPeak"]
            assert row["duration"] >= 0
        # Every table of one invocation is joined by operation_Id.
        joined = query(
            host,
            "requests | where name == 'fails' | join kind=inner invocations on operation_Id"
            " | join kind=inner exceptions on operation_Id"
            " | project a = id, b = invocationId, c = tostring(customDimensions.InvocationId)",
        )
        assert len(joined) == 2
        assert joined[0]["b"] == joined[0]["c"]
        (request,) = query(host, "requests | where name == 'hello'")
        assert request["client_IP"] == "10.1.2.3"
        assert request["url"] == f"http://127.0.0.1:{host.port}/api/hello"
        assert request["performanceBucket"] in ("<250ms", "250ms-500ms", "500ms-1sec")
        assert (request["itemType"], request["itemCount"]) == ("request", 1)
        assert (request["client_Type"], request["operation_Name"]) == ("PC", "hello")
        assert request["operation_ParentId"] == request["operation_Id"]
        dims = json.loads(request["customDimensions"])
        assert {
            k: dims[k] for k in ("Category", "LogLevel", "FullName", "HttpMethod", "HttpPath")
        } == {
            "Category": "Host.Results",
            "LogLevel": "Information",
            "FullName": "Functions.hello",
            "HttpMethod": "GET",
            "HttpPath": "/api/hello",
        }
        assert dims["ProcessId"] == str(host.process.pid)
        assert float(dims["FunctionExecutionTimeMs"]) >= 0
        assert set(dims) >= {"InvocationId", "HostInstanceId", "TriggerReason"}
        severities = query(
            host,
            "traces | where operation_Name == 'fails' | order by timestamp asc"
            " | project severityLevel, message",
        )
        assert [r["severityLevel"] for r in severities] == [1, 3]
        assert severities[1]["message"].startswith("Executed 'Functions.fails' (Failed, Id=")
        # Records of the host itself belong to no operation.
        started = query(host, "traces | where message == 'Job host started'")
        assert [r["operation_Id"] + r["operation_Name"] for r in started] == [""]
        ids = query(
            host, "union traces, requests, exceptions | summarize n=count(), d=dcount(itemId)"
        )
        assert ids[0]["n"] == ids[0]["d"] > 8


def test_endpoints_leave_functions_their_paths(program: str, tmp_path: Path) -> None:
    source = APP + (
        '\n@app.route(route="v1/apps/{rest}/query")\n'
        'def mine(req: func.HttpRequest) -> str:\n    return "mine"\n'
    )
    root = write_app(
        tmp_path / "app",
        {
            "function_app.py": source,
            "host.json": '{"version":"2.0","extensions":{"http":{"routePrefix":""}}}',
        },
    )
    with Host(program, root, "--enableAuth") as host:
        assert host.ask("/v1/apps/x/query")[2] == b"mine"
        # The others want the master key, since keys are on.
        assert host.ask("/v1/workspaces/x/query?query=print+1")[0] == 401
        keys = json.loads((root / ".memline" / "keys.json").read_text())
        master = next(v for k, v in keys.items() if "master" in k.lower())
        status, _, body = host.ask(
            "/v1/workspaces/x/query?query=print+1", headers={"x-functions-key": master}
        )
        assert (status, json.loads(body)["tables"][0]["rows"]) == (200, [[1]])
        # A page in a browser cannot reach them through a name of its own.
        other = {"x-functions-key": master, "Host": "evil.example"}
        assert host.ask("/v1/workspaces/x/query?query=print+1", headers=other)[0] == 403


def test_a_query_that_still_runs_holds_up_no_end(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    text = 'range i from 1 to 100000000 step 1 | where tostring(i) matches regex "9{9}x" | count'
    body = json.dumps({"query": text}).encode()
    head = (
        f"POST /v1/apps/x/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with Host(program, root) as host:
        with socket.create_connection(("127.0.0.1", host.port), timeout=60) as s:
            s.sendall(head.encode() + body)
            time.sleep(0.5)
            host.process.send_signal(signal.SIGTERM)
            assert host.process.wait(30) == 0
            assert b"cancelled" in s.recv(65536).lower()


def envelope(message: str) -> Dict[str, Any]:
    return {
        "time": "2026-11-27T10:00:00.1234567+01:00",
        "name": "Microsoft.ApplicationInsights.Message",
        "iKey": "k",
        "data": {"baseType": "MessageData", "baseData": {"ver": 2, "message": message}},
    }


def test_the_ingestion_port(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, "--ingest-port", "0") as host:
        text = host.line("APPLICATIONINSIGHTS_CONNECTION_STRING=(.*)").group(1)
        assert host.text().count("APPLICATIONINSIGHTS_CONNECTION_STRING=") == 1
        parts = dict(p.split("=", 1) for p in text.split(";"))
        assert re.fullmatch(
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            parts["InstrumentationKey"],
        )
        assert parts["IngestionEndpoint"] == parts["LiveEndpoint"]
        port = int(parts["IngestionEndpoint"].rstrip("/").rsplit(":", 1)[1])

        def post(body: bytes, path: str = "/v2.1/track", **headers: str) -> Any:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            return answer.status, json.loads(data)

        one, two = json.dumps(envelope("one")), json.dumps(envelope("two"))
        taken = {"itemsReceived": 2, "itemsAccepted": 2, "errors": []}
        assert post(f"[{one},{two}]".encode()) == (200, taken)
        assert post(f"{one}\n{two}\n".encode(), "/v2/track") == (200, taken)
        assert post(gzip.compress(one.encode()), **{"Content-Encoding": "gzip"})[0] == 200
        assert post(f'[{one},{{"name":"x"}}]'.encode())[0] == 206
        assert post(b'[{"name":"x"}]')[0] == 400
        assert post(gzip.compress(b" " * (33 << 20)), **{"Content-Encoding": "gzip"})[0] == 413
        rows = query(host, "traces | where message in ('one', 'two') | project message, timestamp")
        assert sorted(r["message"] for r in rows) == ["one"] * 4 + ["two"] * 2
        assert {r["timestamp"] for r in rows} == {"2026-11-27T09:00:00.1234567Z"}
        # Nothing but the endpoints is there.
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/api/hello")
        assert connection.getresponse().status == 404
        connection.close()
        first = parts["InstrumentationKey"]
    with Host(program, root, "--ingest-port", "0") as host:
        assert first in host.line("APPLICATIONINSIGHTS_CONNECTION_STRING=(.*)").group(1)


def test_a_connection_string_of_the_users_own_stays(program: str, tmp_path: Path) -> None:
    own = "InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=http://127.0.0.1:9"
    source = APP.replace('HttpResponse("hello")', "HttpResponse(os.environ[NAME])").replace(
        "import logging", 'import logging, os\nNAME = "APPLICATIONINSIGHTS_CONNECTION_STRING"'
    )
    root = write_app(tmp_path / "app", {"function_app.py": source})
    env = {"APPLICATIONINSIGHTS_CONNECTION_STRING": own}
    with Host(program, root, "--telemetry", "off", "--ingest-port", "0", env=env) as host:
        host.line(r"Telemetry is taken at http://127.0.0.1:\d+/ ")
        assert host.ask("/api/hello")[2] == own.encode()


@pytest.mark.parametrize("port", ["x", "70000", "-1"])
def test_a_bad_ingestion_port(program: str, tmp_path: Path, port: str) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    done = subprocess.run(
        [program, "func", "start", "--port", "0", "--ingest-port=" + port],
        cwd=str(root),
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Invalid --ingest-port value '{port}'." in done.stderr


@pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="opencensus's logging handler breaks on Python 3.13 by itself",
)
def test_both_python_clients_at_their_defaults(
    start_app: Callable[..., Any], tmp_path: Path
) -> None:
    home, temp = tmp_path / "home", tmp_path / "temp"
    home.mkdir()
    temp.mkdir()
    env = {
        "HOME": str(home),
        "TMPDIR": str(temp),
        "XDG_STATE_HOME": str(home / "state"),
        "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
        "OTEL_TRACES_SAMPLER": "always_on",  # else the distro drops a first span that comes soon
    }
    host = start_app("exporting", "--ingest-port", "0", env=env)
    where = host.wait_for("^APPLICATIONINSIGHTS_CONNECTION_STRING=")[0].split("=", 1)[1]
    assert host.get("/api/where").text == where
    assert host.get("/api/order").text == "ordered"
    (span,) = wait_for_rows(host, "dependencies | where name == 'price it'", 1)
    assert json.loads(span["customDimensions"])["item"] == "lamp"
    (counted,) = wait_for_rows(host, "traces | where message == 'counted'", 1)
    assert json.loads(counted["customDimensions"])["item"] == "lamp"
    # The distro sends the user's log records itself: they are there once, under the request's trace.
    (ordered,) = wait_for_rows(host, "traces | where message == 'an order'", 1)
    (request,) = query(host, "requests | where name == 'order'")
    assert ordered["operation_Id"] == request["operation_Id"] == span["operation_Id"]
    host.wait_for("an order")  # and on the console
    assert host.stop() == 0
    left = [p for f in (home, temp) for p in f.rglob("*") if p.is_file() and p.suffix == ".blob"]
    assert not left, "telemetry that could not be sent"


TUTORIAL = """
traces
| where timestamp > ago(1d)
| where message startswith_cs "memory_profiler_logs:"
| parse message with "memory_profiler_logs: " LineNumber "  " TotalMem_MiB "  " IncreMem_MiB "  " Occurences "  " Contents
| union (
    traces
    | where timestamp > ago(1d)
    | where message startswith_cs "memory_profiler_logs: Filename: "
    | parse message with "memory_profiler_logs: Filename: " FileName
    | project timestamp, FileName, itemId
)
| project timestamp, LineNumber=iff(FileName != "", FileName, LineNumber), TotalMem_MiB, IncreMem_MiB, Occurences, Contents, RequestId=itemId
| order by timestamp asc
"""  # noqa: E501


@pytest.mark.figures
def test_the_tutorials_query(start_app: Callable[..., Any], page: Any) -> None:
    """The report's lines come back from the tutorial's query as written: in order, in clean columns."""
    python = python_with_memline(["azure-functions", "aiohttp", "requests"])
    host = start_app("tutorial", python=python, replace=[("https://microsoft.com", page.url)])
    names = ("HttpTriggerAsync", "HttpTriggerSync")
    for name in names:
        assert host.get(f"/api/{name}").status == 200
    wait_for_rows(host, "requests", 2)
    rows = query(host, TUTORIAL)
    files = [row["LineNumber"] for row in rows if row["LineNumber"].endswith("__init__.py")]
    assert files == [f"{host.root}/{name}/__init__.py" for name in names]
    lines = [row for row in rows if re.fullmatch(r"\d+", row["LineNumber"])]
    assert len(lines) >= 2
    source = {name: (host.root / name / "__init__.py").read_text().splitlines() for name in names}
    which = ""
    for row in rows:
        if row["LineNumber"].endswith("__init__.py"):
            which, last = Path(row["LineNumber"]).parent.name, 0
        if row not in lines:
            continue
        number = int(row["LineNumber"])
        assert number > last, "lines of one report rise"
        last = number
        assert row["Contents"].rstrip() == source[which][number - 1].rstrip()
        assert re.fullmatch(r"\d+\.\d+ MiB", row["TotalMem_MiB"])
        assert re.fullmatch(r"-?\d+\.\d+ MiB", row["IncreMem_MiB"])
        assert int(row["Occurences"]) >= 1
    told = [row for row in rows if row["TotalMem_MiB"]]
    assert len({row["RequestId"] for row in told}) == len(told)

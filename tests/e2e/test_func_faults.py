"""What goes wrong while func start runs: workers that die or hang, full disks, rude clients, signals."""

import concurrent.futures
import importlib.util
import json
import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Dict, List

import pytest
from funchost import Host, write_app

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("azure") is None
    or importlib.util.find_spec("azure.functions") is None,
    reason="azure-functions is not installed here",
)

APP = """
import asyncio, logging, os, sys, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello %d" % os.getpid())

@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body())

@app.route(route="slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params.get("s", "1")))
    return func.HttpResponse("slept")

@app.route(route="die")
def die(req: func.HttpRequest) -> func.HttpResponse:
    if "code" in req.params:
        print("last words", file=sys.stderr, flush=True)
        os._exit(int(req.params["code"]))
    os.kill(os.getpid(), int(req.params["signal"]))
    time.sleep(10)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int, within: float) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    "how, text",
    [
        ("signal=11", r"killed by signal 11 \(SIGSEGV\); peak memory \d+\.\d MiB"),
        ("signal=9", r"killed by signal 9 \(SIGKILL\), possibly the out-of-memory killer"),
        ("code=0", r"exited with code 0 \(0x0\)"),
        ("code=7", r"exited with code 7 \(0x7\)"),
    ],
)
def test_a_worker_that_dies(program: str, tmp_path: Path, how: str, text: str) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        (old,) = host.workers()
        assert host.ask("/api/die?" + how)[::2] == (500, b"")
        host.line(rf"Language Worker Process exited. Pid={old}\.")
        host.line(text)
        if "code" in how:
            host.line("last words")
        host.line(r"Executed 'Functions.die' \(Failed")
        assert host.ask("/api/hello")[0] == 200  # waits for the new worker
        assert host.workers() != [old]


def test_exit_200_is_no_crash(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        for _ in range(5):
            assert host.ask("/api/die?code=200")[0] == 500
            assert host.ask("/api/hello")[0] == 200
        assert "Language Worker Process exited" not in host.text()


def test_too_many_crashes_end_the_host(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": "import os; os._exit(3)"})
    with Host(program, root, wait=False) as host:
        assert host.process.wait(60) == 1
        assert (
            host.text().count("Language Worker Process exited") == 4
        )  # at once, 1 s, 10 s, the end
        host.line("Exceeded language worker restart retry count for runtime:python. Shutting down")


def test_on_crash_wait_answers_503_until_a_fix(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": "import os; os._exit(3)"})
    with Host(program, root, "--on-crash", "wait", wait=False) as host:
        host.line("Exceeded language worker restart retry count", timeout=60)
        status, _, body = host.ask("/api/hello")
        assert (status, body) == (503, b"Function host is not running.")
        (root / "function_app.py").write_text(APP)
        host.line("Worker process started and initialized.")
        assert host.ask("/api/hello")[0] == 200


def test_a_death_leaves_the_other_worker_alone(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, env={"FUNCTIONS_WORKER_PROCESS_COUNT": "2"}) as host:
        deadline = time.monotonic() + 20
        seen = set()
        while len(seen) < 2 and time.monotonic() < deadline:
            seen.add(host.ask("/api/hello")[2])
        assert len(seen) == 2
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            slow = pool.submit(host.ask, "/api/slow?s=3")
            time.sleep(0.5)
            assert host.ask("/api/die?signal=9")[0] == 500  # round robin: the other one
            assert slow.result()[2] == b"slept"


def test_function_timeout(program: str, tmp_path: Path) -> None:
    root = write_app(
        tmp_path / "app",
        {"function_app.py": APP, "host.json": '{"version":"2.0","functionTimeout":"00:00:02"}'},
    )
    with Host(program, root) as host:
        start = time.monotonic()
        assert host.ask("/api/slow?s=60")[::2] == (500, b"")
        assert time.monotonic() - start < 15
        host.line(
            r"Timeout value of 00:00:02 exceeded by function 'Functions.slow' \(Id: '[0-9a-f-]{36}'\). Initiating cancellation."  # noqa: E501
        )
        assert host.ask("/api/hello")[0] == 200


def test_an_import_error_leaves_the_others_running(program: str, tmp_path: Path) -> None:
    function = json.dumps(
        {
            "scriptFile": "__init__.py",
            "bindings": [
                {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"},
                {"type": "http", "direction": "out", "name": "$return"},
            ],
        }
    )
    root = write_app(
        tmp_path / "app",
        {
            "good/function.json": function,
            "good/__init__.py": "def main(req) -> str:\n    return 'good'\n",
            "bad/function.json": function,
            "bad/__init__.py": "import no_such_module\ndef main(req) -> str:\n    return 'bad'\n",
        },
    )
    with Host(program, root) as host:
        host.line("Worker failed to load function: 'bad' with functionId: ")
        host.line("No module named 'no_such_module'")
        host.line("\tbad: failed to load")
        assert host.ask("/api/good")[2] == b"good"
        assert host.ask("/api/bad")[::2] == (500, b"")


def test_requests_wait_for_the_start_and_ping_does_not(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": "import time; time.sleep(2)\n" + APP})
    with Host(program, root, wait=False) as host:
        start = time.monotonic()
        assert host.ask("/admin/host/ping")[0] == 200
        assert time.monotonic() - start < 1.5
        assert host.ask("/api/hello")[0] == 200


def test_a_full_disk_for_records_harms_no_request(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    env = {"MEMLINE_FUNC_RECORDS": "spool"}
    with Host(program, root, env=env) as host:
        host.ask("/api/hello")
    (spool,) = (tmp_path / "home" / "state").rglob("records.jsonl")
    spool.unlink()
    spool.symlink_to("/dev/full")
    with Host(program, root, env=env) as host:
        assert host.ask("/api/hello")[0] == 200
        host.line("Records cannot be kept in .*No space left on device")
        assert host.ask("/api/hello")[0] == 200
        time.sleep(0.6)
        assert host.text().count("Records cannot be kept") == 1


def test_rude_clients(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        fds = len(os.listdir(f"/proc/{host.process.pid}/fd"))
        for data in (
            b"GET /api/slow?s=0.3 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf",
            b"POST /api/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x00\x01\x02\x03\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        ) * 5:
            with socket.create_connection(("127.0.0.1", host.port)) as s:
                try:
                    s.sendall(data)
                except OSError:
                    pass
        assert host.ask("/api/hello")[0] == 200
        deadline = time.monotonic() + 10
        while len(os.listdir(f"/proc/{host.process.pid}/fd")) > fds and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(os.listdir(f"/proc/{host.process.pid}/fd")) <= fds


def test_sigterm_lets_a_request_finish(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host, concurrent.futures.ThreadPoolExecutor(8) as pool:
        (worker,) = host.workers()
        running = [pool.submit(host.ask, "/api/slow?s=3") for _ in range(8)]
        time.sleep(1)
        host.process.send_signal(signal.SIGTERM)
        assert [r.result()[2] for r in running] == [b"slept"] * 8
        assert host.process.wait(10) == 0
        assert gone(worker, 2)


def test_sigint_does_not_wait_long(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host, concurrent.futures.ThreadPoolExecutor(1) as pool:
        (worker,) = host.workers()
        running = pool.submit(host.ask, "/api/slow?s=30")
        time.sleep(1)
        start = time.monotonic()
        host.process.send_signal(signal.SIGINT)
        assert host.process.wait(15) == 0
        assert time.monotonic() - start < 8
        assert gone(worker, 2)
        assert running.exception() is not None or running.result()[0] == 500


def test_a_second_signal_ends_at_once(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host, concurrent.futures.ThreadPoolExecutor(1) as pool:
        (worker,) = host.workers()
        pool.submit(host.ask, "/api/slow?s=30").add_done_callback(lambda f: f.exception())
        time.sleep(1)
        host.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(5) == 130
        assert gone(worker, 2)


def test_the_worker_does_not_outlive_a_killed_host(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        (worker,) = host.workers()
        host.process.kill()
        assert gone(worker, 5)


def test_a_reload_under_load_loses_no_request(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        statuses: List[int] = []
        stop = threading.Event()

        def load() -> None:
            while not stop.is_set():
                statuses.append(host.ask("/api/slow?s=0.05")[0])

        threads = [threading.Thread(target=load) for _ in range(4)]
        for t in threads:
            t.start()
        for i in range(2):
            before = len(host.lines)
            (root / "function_app.py").write_text(APP + f"\n# {i}\n")
            host.line("Worker process started and initialized.", after=before)
            time.sleep(0.3)
        stop.set()
        for t in threads:
            t.join()
        assert len(statuses) > 20 and set(statuses) == {200}


# -- Application Insights ----------------------------------------------------------------------------


class Ingestion:
    """A fake endpoint that answers with the statuses of a list, then with 200."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.items: List[Dict[str, object]] = []  # taken with 200
        self.posts: List[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                import gzip

                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                items = [json.loads(line) for line in body.splitlines()]
                status = outer.answers.pop(0) if outer.answers else 200
                outer.posts.append(status)
                reply = b"{}"
                if status == 200:
                    outer.items += items
                if status == 206:
                    outer.items += items[1:]
                    reply = json.dumps(
                        {
                            "itemsReceived": len(items),
                            "itemsAccepted": len(items) - 1,
                            "errors": [{"index": 0, "statusCode": 500, "message": "again"}],
                        }
                    ).encode()
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "1")
                if status == 307:
                    self.send_header("Location", f"http://127.0.0.1:{outer.port}/v2.1/track")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def env(self) -> Dict[str, str]:
        return {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "instrumentationkey=00000000-0000-4000-8000-000000000001;"
            f"IngestionEndpoint=http://127.0.0.1:{self.port}/"
        }

    def messages(self) -> List[str]:
        return [i["data"]["baseData"].get("message", "") for i in self.items]  # type: ignore[index]


@pytest.mark.parametrize("answers", [[], [206], [307], [429], [500, 503]])
def test_records_reach_application_insights(
    program: str, tmp_path: Path, answers: List[int]
) -> None:
    endpoint = Ingestion(*answers)
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, "--telemetry", "azure", env=endpoint.env()) as host:
        assert host.ask("/api/hello")[0] == 200
        deadline = time.monotonic() + 25
        while time.monotonic() < deadline and not any(
            m.startswith("Executed 'Functions.hello'") for m in endpoint.messages()
        ):
            time.sleep(0.1)
    assert any(m.startswith("Executed 'Functions.hello'") for m in endpoint.messages())
    (request,) = [i for i in endpoint.items if i["name"] == "Microsoft.ApplicationInsights.Request"]
    assert request["data"]["baseType"] == "RequestData"
    base = request["data"]["baseData"]
    assert (base["name"], base["success"], base["responseCode"]) == ("hello", True, "200")
    assert request["tags"]["ai.operation.name"] == "hello"
    assert request["iKey"] == "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("status", [400, 439])
def test_refused_records_are_dropped_with_one_warning(
    program: str, tmp_path: Path, status: int
) -> None:
    endpoint = Ingestion(*[status] * 50)
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, env=endpoint.env()) as host:
        assert host.ask("/api/hello")[0] == 200
        host.line(r"Application Insights \(http://127.0.0.1:\d+\): ", timeout=20)
        assert host.text().count("Application Insights (") == 1


def test_records_wait_on_disk_while_the_endpoint_is_away(program: str, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    text = "InstrumentationKey=k;IngestionEndpoint=http://127.0.0.1:%d"
    with Host(program, root, env={"APPLICATIONINSIGHTS_CONNECTION_STRING": text % port}) as host:
        assert host.ask("/api/hello")[0] == 200
        time.sleep(6)
        assert host.ask("/api/hello")[0] == 200
    (spool,) = (tmp_path / "home" / "state").rglob("insights.spool")
    assert "Executed 'Functions.hello'" in spool.read_text()
    endpoint = Ingestion()
    with Host(program, root, env=endpoint.env()):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not endpoint.items:
            time.sleep(0.1)
    assert sum(m.startswith("Executed 'Functions.hello'") for m in endpoint.messages()) == 2
    assert not spool.exists()

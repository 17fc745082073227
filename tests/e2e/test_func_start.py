"""func start: console, HTTP, admin, keys, CORS, TLS, timers, hot reload, records (specs/functions-host.md)."""

import concurrent.futures
import hashlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Dict, List

import pytest
from funchost import GUID, STAMP, Host, environment, write_app

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("azure") is None
    or importlib.util.find_spec("azure.functions") is None,
    reason="azure-functions is not installed here",
)

APP = """
import asyncio, json, logging, os, sys, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello", methods=["GET", "POST"])
def hello(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("saying hello")
    return func.HttpResponse("Hello, %s" % req.params.get("name", "nobody"))

@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")

@app.route(route="seen/{id:int}/{*rest}")
def seen(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({
        "method": req.method, "url": req.url, "params": dict(req.params),
        "route": dict(req.route_params), "headers": dict(req.headers)}))

@app.route(route="fails")
def fails(req: func.HttpRequest) -> func.HttpResponse:
    print("about to fail")
    return 1 / 0

@app.route(route="none")
def none(req: func.HttpRequest):
    return None

@app.route(route="empty")
def empty(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse()

@app.route(route="conflict")
def conflict(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("taken", status_code=409)

@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    return req.params["is"]

@app.route(route="headers")
def headers(req: func.HttpRequest) -> func.HttpResponse:
    r = func.HttpResponse("x", status_code=201)
    r.headers["X-One"] = "1"
    r.headers.add("Set-Cookie", "foo=bar; Path=/a")
    r.headers.add("Set-Cookie", "foo=baz; Max-Age=10; Secure")
    return r

@app.route(route="slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params.get("s", "1")))
    return func.HttpResponse("slept")

@app.route(route="aslow")
async def aslow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params.get("s", "1")))
    return func.HttpResponse("slept")

@app.route(route="die")
def die(req: func.HttpRequest) -> func.HttpResponse:
    how = req.params["how"]
    if how == "exit":
        os._exit(int(req.params.get("code", "0")))
    os.kill(os.getpid(), int(how))
    time.sleep(10)

@app.route(route="quits")
def quits(req: func.HttpRequest) -> func.HttpResponse:
    sys.exit(3)

@app.route(route="secret", auth_level=func.AuthLevel.FUNCTION)
def secret(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("let in")

@app.route(route="boss", auth_level=func.AuthLevel.ADMIN)
def boss(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("let in")

@app.service_bus_queue_trigger(arg_name="m", queue_name="q", connection="C")
def bus(m: func.ServiceBusMessage):
    pass
"""


@pytest.fixture(scope="module")
def shared(program: str, tmp_path_factory: pytest.TempPathFactory):
    """One host for the tests that leave it as it was."""
    root = write_app(tmp_path_factory.mktemp("shared") / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        yield host


# -- console -----------------------------------------------------------------------------------------


def test_console_from_banner_to_executed(program: str, tmp_path: Path) -> None:
    source = """
import logging
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello", methods=["GET", "POST"])
def hello(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("one\\ntwo\\n")
    return func.HttpResponse("hi")

@app.schedule(schedule="0 0 0 1 1 *", arg_name="t", use_monitor=False)
def tick(t: func.TimerRequest) -> None:
    pass
"""
    root = write_app(tmp_path / "app", {"function_app.py": source})
    with Host(program, root) as host:
        assert host.ask("/api/hello")[2] == b"hi"
        host.line("Executed 'Functions.hello'")
        lines = GUID.sub("GUID", STAMP.sub("[ts] ", host.text()).replace(f":{host.port}", ":PORT"))
    lines = "\n".join(STAMP.sub("[ts] ", line) for line in lines.split("\n"))
    lines = re.sub(
        r"Duration=\d+ms\) rss [\d.]+ MiB \([+-][\d.]+ MiB(, peak [\d.]+ MiB)?\)",
        "Duration=Nms) MEMORY",
        lines,
    )
    version = re.search(r"\+memline\.(\S+)", lines)
    assert version is not None
    assert lines.replace(version.group(1), "X") == (
        "\n\nAzure Functions Core Tools\n"
        "Core Tools Version:       4.14.0+memline.X (64-bit)\n"
        "Function Runtime Version: 4.1052.0.0\n"
        "\n"
        "Listening on http://localhost:PORT\n"
        "[ts] Worker process started and initialized.\n"
        "\n"
        "Functions:\n"
        "\n"
        "\thello: [GET,POST] http://localhost:PORT/api/hello\n"
        "\n"
        "\ttick: timerTrigger\n"
        "\n"
        "For detailed output, run func with --verbose flag.\n"
        "[ts] Executing 'Functions.hello' (Reason='This function was programmatically called via the host APIs.', Id=GUID)\n"  # noqa: E501
        "[ts] one\n"
        "[ts] two\n"
        "[ts] \n"
        "[ts] Executed 'Functions.hello' (Succeeded, Id=GUID, Duration=Nms) MEMORY"
    )
    assert "\033" not in lines


def test_a_failure_shows_its_type_and_the_users_frame(shared: Host) -> None:
    status, _, body = shared.ask("/api/fails")
    assert (status, body) == (500, b"")
    shared.line(r"Exception: ZeroDivisionError: division by zero$")
    plain = shared.plain()
    assert "Executed 'Functions.fails' (Failed, Id=" in plain
    assert (
        'System.Private.CoreLib: Exception while executing function: Functions.fails. System.Private.CoreLib: Result: Failure\nException: ZeroDivisionError: division by zero\nStack:   File "'  # noqa: E501
        in plain
    )
    frame = plain.split("Stack:   File ", 1)[1]
    assert frame.startswith(f'"{shared.root}/function_app.py"')
    assert plain.index("about to fail") < plain.index("Executed 'Functions.fails'")


def test_another_trigger_is_named_and_the_rest_is_served(shared: Host) -> None:
    assert "\tbus: serviceBusTrigger (not run here: " in shared.text()
    assert shared.ask("/api/hello")[0] == 200


@pytest.mark.parametrize(
    "words, shown, hidden",
    [
        (["--user-log-level", "Warning"], [], ["saying hello", "Executed 'Functions.hello'"]),
        (
            ["--verbose"],
            [
                "Mapped function route 'api/hello' [get,post] to 'hello'",
                "Host started (",
                '"method": "GET"',
            ],
            ["For detailed output"],
        ),
        (["--show-category", "--show-level"], ["info [Function.hello.User] saying hello"], []),
    ],
)
def test_levels(
    program: str, tmp_path: Path, words: List[str], shown: List[str], hidden: List[str]
) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, *words) as host:
        assert host.ask("/api/hello")[0] == 200
        time.sleep(0.3)
        text = host.text()
    for piece in shown:
        assert piece in text
    for piece in hidden:
        assert piece not in text


# -- start-up failures -------------------------------------------------------------------------------


def start_fails(program: str, root: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        [program, "func", "start", *words],
        cwd=str(root),
        env=environment(root, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.mark.parametrize(
    "words, env, text",
    [
        (
            ["--address", "nowhere"],
            {},
            "Invalid --address value 'nowhere'. Expected an IP address, for example 127.0.0.1 or 0.0.0.0.\n",
        ),
        (["--port", "70000"], {}, "Invalid --port value '70000'."),
        (["--cors", "*", "--cors-credentials"], {}, "--cors-credentials needs a list of origins"),
        (["--user-log-level", "loud"], {}, "Invalid --user-log-level value 'loud'."),
        (["--telemetry", "mars"], {}, "Invalid --telemetry value 'mars'."),
        ([], {"FUNCTIONS_WORKER_RUNTIME": "node"}, "memline func runs Python apps only."),
        (
            [],
            {"AzureFunctionsJobHost__version": "1.0"},
            "'1.0' is an invalid value for host.json 'version' property.",
        ),
        (
            [],
            {"AzureFunctionsJobHost__functionTimeout": "soon"},
            "'soon' is an invalid value for host.json 'functionTimeout'",
        ),
        (
            [],
            {"languageWorkers__python__defaultExecutablePath": "/nonexistent"},
            "Could not find a Python version.",
        ),
    ],
)
def test_start_failures(
    program: str, tmp_path: Path, words: List[str], env: Dict[str, str], text: str
) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert start_fails(
        program, root, *(words if "--port" in words else [*words, "--port", str(port)]), **env
    ).startswith(text)


def test_a_busy_port_is_told(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert start_fails(program, root, "--port", str(port)) == (
            f"Port {port} is unavailable. Close the process using that port, or specify another port "
            "using --port [-p].\n"
        )


def test_a_folder_without_a_project(program: str, tmp_path: Path) -> None:
    assert start_fails(program, tmp_path) == (
        "Unable to find project root. Expecting to find one of host.json, local.settings.json in project root.\n"
    )


# -- HTTP --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path, status, body",
    [
        ("GET", "/api/hello?name=A%20B", 200, b"Hello, A B"),
        ("GET", "/API/Hello/", 200, b"Hello, nobody"),
        ("GET", "//api//hello?name=", 200, b"Hello, nobody"),
        ("PUT", "/api/hello", 404, b""),
        ("HEAD", "/api/hello", 404, b""),
        ("GET", "/api/nothing", 404, b""),
        ("GET", "/api/seen/x/y", 404, b""),
        ("GET", "/api/../../../etc/passwd", 404, b""),
        ("GET", "/api/%2e%2e/%2e%2e/etc/passwd", 404, b""),
        ("GET", "/api/empty", 200, b""),
        ("GET", "/api/none", 500, b""),
        ("GET", "/api/conflict", 409, b"taken"),
        ("GET", "/api/quits", 500, b""),
        ("GET", "/api/text?is=plain", 200, b"plain"),
        ("GET", "/api/text?is={%22a%22:[1,%222%22]}", 200, b'{\n  "a": [\n    1,\n    "2"\n  ]\n}'),
        ("GET", "/api/text?is=[]", 200, b"[]"),
        ("GET", "/api/text?is=%22quoted%22", 200, b"quoted"),
        ("GET", "/api/text?is=true", 200, b"True"),
        ("GET", "/api/text?is={%22body%22:%22b%22,%22status%22:202}", 202, b"b"),
    ],
)
def test_requests(shared: Host, method: str, path: str, status: int, body: bytes) -> None:
    got, headers, data = shared.ask(path, method)
    assert (got, data) == (status, body)
    assert headers["content-length"] == str(len(body))


def test_the_request_as_the_function_sees_it(shared: Host) -> None:
    path = "/api/seen/7/a%2Fb/c?x=1&x=2&empty=&y=%C3%A4"
    seen = json.loads(shared.ask(path, "POST", b"", {"X-Two": "a", "Host": "example:1"})[2])
    assert seen["method"] == "POST"
    assert seen["url"] == "http://example:1" + path
    assert seen["params"] == {"x": "1,2", "y": "ä"}
    assert seen["route"] == {"id": "7", "rest": "a/b/c"}
    assert seen["headers"]["x-two"] == "a"
    assert all(name == name.lower() for name in seen["headers"])


def test_headers_and_cookies(shared: Host) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=20)
    connection.request("GET", "/api/headers")
    answer = connection.getresponse()
    assert answer.status == 201 and answer.getheader("X-One") == "1"
    cookies = [v for k, v in answer.getheaders() if k.lower() == "set-cookie"]
    connection.close()
    assert cookies == ["foo=bar; domain=; path=/a", "foo=baz; max-age=10; domain=; path=; secure"]


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 10 << 20])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_echo(shared: Host, size: int, chunked: bool) -> None:
    data = os.urandom(size)
    if chunked:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=60)
        connection.request(
            "POST",
            "/api/echo",
            iter([data[i : i + 60000] for i in range(0, size, 60000)]),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        got = connection.getresponse().read()
        connection.close()
    else:
        got = shared.ask("/api/echo", "POST", data, timeout=60)[2]
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


def test_a_body_over_the_limit(shared: Host) -> None:
    with socket.create_connection(("127.0.0.1", shared.port)) as s:
        s.sendall(
            b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 105906176\r\nExpect: 100-continue\r\n\r\n"
        )
        assert s.recv(100).startswith(b"HTTP/1.1 413")


def test_many_slow_requests_run_at_once(shared: Host) -> None:
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        start = time.monotonic()
        answers = list(
            pool.map(lambda i: shared.ask(f"/api/{'a' if i % 2 else ''}slow?s=1.5")[2], range(60))
        )
    assert answers == [b"slept"] * 60
    assert time.monotonic() - start < 25  # one after another: 90 s


def test_strict_http(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, "--strict-http") as host:
        status, headers, _ = host.ask("/api/hello", "DELETE")
        assert status == 405 and headers["allow"] == "GET,POST"
        status, headers, body = host.ask("/api/hello", "HEAD")
        assert (status, body, headers["content-length"]) == (200, b"", "13")


# -- admin, home, keys, CORS, TLS --------------------------------------------------------------------


def test_admin(shared: Host) -> None:
    assert shared.ask("/admin/host/ping")[0] == 200
    assert json.loads(shared.ask("/admin/host/status")[2])["state"] == "Running"
    names = [f["name"] for f in json.loads(shared.ask("/admin/functions")[2])]
    assert names == sorted(names, key=str.lower) and "hello" in names
    one = json.loads(shared.ask("/admin/functions/HELLO")[2])
    assert one["invoke_url_template"].endswith("/api/hello") and not one["isDisabled"]
    assert shared.ask("/admin/functions/nope")[0] == 404
    assert shared.ask("/admin/functions/hello", "POST", b"no json")[0] == 400
    before = len(shared.lines)
    assert shared.ask("/admin/functions/hello", "POST", b'{"input":"{}"}')[0] == 202
    shared.line("Executed 'Functions.hello' .Succeeded", after=before)
    assert b"<title>Your Azure Function App is up and running.</title>" in shared.ask("/")[2]


def test_list_tells_what_the_running_host_serves(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    env = environment(tmp_path / "home")
    with Host(program, root, "--enableAuth") as host:
        out = subprocess.check_output(
            [program, "func", "list"], cwd=str(root), env=env, encoding="utf-8"
        )
        assert f"hello: http://localhost:{host.port}/api/hello\n" in out
        assert "bus: serviceBusTrigger\n" in out
    done = subprocess.run(
        [program, "func", "list"], cwd=str(root), env=env, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert done.returncode == 1 and done.stderr.startswith("No host runs in ")


def test_keys(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, "--enableAuth") as host:
        file = root / ".memline" / "keys.json"
        keys = json.loads(file.read_text())
        assert file.stat().st_mode & 0o777 == 0o600
        assert host.ask("/api/hello")[0] == 200
        assert host.ask("/api/secret")[0] == 401
        assert host.ask("/api/secret?code=wrong")[0] == 401
        assert host.ask("/api/secret?code=" + keys["default"])[0] == 200
        assert host.ask("/api/secret", headers={"x-functions-key": keys["master"]})[0] == 200
        assert host.ask("/api/boss?code=" + keys["default"])[0] == 401
        assert host.ask("/api/boss?code=" + keys["master"])[0] == 200
        assert host.ask("/admin/functions")[0] == 401
        assert host.ask("/admin/functions", headers={"x-functions-key": keys["master"]})[0] == 200


def test_cors(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, "--cors", "http://a,http://b", "--cors-credentials") as host:
        ask = {"Origin": "http://b", "Access-Control-Request-Method": "POST"}
        status, headers, _ = host.ask("/api/hello", "OPTIONS", headers=ask)
        assert status == 204 and headers["access-control-allow-origin"] == "http://b"
        assert headers["access-control-allow-credentials"] == "true"
        status, headers, _ = host.ask(
            "/api/hello", "OPTIONS", headers={**ask, "Origin": "http://evil"}
        )
        assert status == 204 and "access-control-allow-origin" not in headers
        assert (
            host.ask("/api/hello", headers={"Origin": "http://a"})[1]["access-control-allow-origin"]
            == "http://a"
        )
        assert (
            "access-control-allow-origin"
            not in host.ask("/api/hello", headers={"Origin": "http://c"})[1]
        )


def test_tls_to_a_plain_port_is_told(shared: Host) -> None:
    with socket.create_connection(("127.0.0.1", shared.port)) as s:
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        shared.line("A client spoke https to this port, which serves http")


# -- timers ------------------------------------------------------------------------------------------


def test_timers(program: str, tmp_path: Path) -> None:
    source = """
import logging
import azure.functions as func
app = func.FunctionApp()

@app.schedule(schedule="%EVERY%", arg_name="t", use_monitor=False)
def often(t: func.TimerRequest) -> None:
    logging.info("often %s", t.past_due)

@app.schedule(schedule="0 0 0 1 1 *", arg_name="t", run_on_startup=True)
def once(t: func.TimerRequest) -> None:
    logging.info("at start")

@app.schedule(schedule="not a schedule", arg_name="t")
def bad(t: func.TimerRequest) -> None:
    pass

@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
@app.schedule(schedule="0 0 0 1 1 *", arg_name="t", run_on_startup=True)
def stumbles(t: func.TimerRequest, context: func.Context) -> None:
    count = context.retry_context.retry_count
    logging.info("try %s", count)
    if count < 2:
        raise RuntimeError("again")
    logging.info("through")
"""
    root = write_app(tmp_path / "app", {"function_app.py": source})
    with Host(program, root, env={"EVERY": "*/1 * * * * *"}) as host:
        host.line(
            "The 'bad' function is in error: The schedule expression was not recognized as a valid cron expression or timespan string."  # noqa: E501
        )
        host.line("Trigger Details: UnscheduledInvocationReason: RunOnStartup")
        host.line("at start")
        host.line("often False")
        host.line(
            r"Executing 'Functions.often' \(Reason='Timer fired at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}[+-]\d\d:\d\d', Id="  # noqa: E501
        )
        host.line("through")
        assert [n for n in re.findall(r"try (\d)", host.text())] == ["0", "1", "2"]
        assert host.ask("/admin/functions/once", "POST", b"{}")[0] == 202
        time.sleep(1.2)
        assert host.text().count("at start") == 2


def test_a_missed_slot_runs_past_due(program: str, tmp_path: Path) -> None:
    source = """
import logging
import azure.functions as func
app = func.FunctionApp()

@app.schedule(schedule="0 0 12 * * *", arg_name="t")
def noon(t: func.TimerRequest) -> None:
    logging.info("past due: %s", t.past_due)
"""
    root = write_app(tmp_path / "app", {"function_app.py": source})
    with Host(program, root):
        pass
    (state,) = (tmp_path / "home" / "state").rglob("noon.json")
    remembered = json.loads(state.read_text())
    state.write_text(json.dumps({**remembered, "next": remembered["next"] - 30 * 86400}))
    with Host(program, root) as host:
        host.line("past due: True")
        host.line("Trigger Details: UnscheduledInvocationReason: IsPastDue, OriginalSchedule: ")


# -- hot reload --------------------------------------------------------------------------------------


def test_hot_reload_and_recovery_from_a_syntax_error(program: str, tmp_path: Path) -> None:
    def source(word: str) -> str:
        return f'''
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("{word}")
'''

    root = write_app(tmp_path / "app", {"function_app.py": source("one")})
    app = root / "function_app.py"
    with Host(program, root) as host:
        assert host.ask("/api/hello")[2] == b"one"
        before = len(host.lines)
        app.write_text(source("the second"))  # another size: Python's cache looks at whole seconds
        host.line(r"^\[.*\] Job host stopped$", after=before)
        host.line("Worker process started and initialized.", after=before)
        assert host.ask("/api/hello")[2] == b"the second"
        before = len(host.lines)
        app.write_text("import azure.functions as func\ndef broken(:\n")
        host.line("SyntaxError", after=before)
        host.line("Worker process started and initialized.", after=before)
        assert host.ask("/api/hello")[0] == 404
        before = len(host.lines)
        new = root / "function_app.py.tmp"
        new.write_text(source("three"))
        new.rename(app)
        host.line("Worker process started and initialized.", after=before)
        assert host.ask("/api/hello")[2] == b"three"
        assert len(host.workers()) == 1


# -- records -----------------------------------------------------------------------------------------


def read_spool(home: Path) -> List[Dict[str, object]]:
    (spool,) = (home / "state").rglob("records.jsonl")
    return [json.loads(line) for line in spool.read_text().splitlines()]


def test_records_of_a_success_and_a_failure(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    with Host(program, root, env={"MEMLINE_FUNC_RECORDS": "spool"}) as host:
        trace = "0af7651916cd43dd8448eb211c80319c"
        host.ask("/api/hello", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        host.ask("/api/fails")
        host.ask("/api/conflict")
    rows = read_spool(tmp_path / "home")
    requests = {r["name"]: r for r in rows if r["table"] == "requests"}
    assert (requests["hello"]["success"], requests["hello"]["resultCode"]) == ("True", "200")
    assert (requests["fails"]["success"], requests["fails"]["resultCode"]) == ("False", "500")
    assert (requests["conflict"]["success"], requests["conflict"]["resultCode"]) == ("True", "409")
    hello = requests["hello"]
    assert hello["operation_Id"] == trace and hello["operation_ParentId"] == "b7ad6b7169203331"
    assert hello["customDimensions"]["HttpMethod"] == "GET"
    assert hello["customDimensions"]["HttpPath"] == "/api/hello"
    assert hello["customMeasurements"]["memline.rssAfter"] > 1000000
    traces = [r for r in rows if r["table"] == "traces" and r.get("operation_Id") == trace]
    assert [t["message"].split(" (")[0] for t in traces] == [
        "Executing 'Functions.hello'",
        "saying hello",
        "Executed 'Functions.hello'",
    ]
    assert all(t["operation_ParentId"] == hello["id"] for t in traces)
    assert traces[1]["customDimensions"]["Category"] == "Function.hello.User"
    assert traces[1]["customDimensions"]["prop__LoggerName"] == "root"
    failed = [r for r in rows if r["table"] == "exceptions"]
    assert [r["customDimensions"]["Category"] for r in failed] == ["Function.fails", "Host.Results"]
    for row in failed:
        assert row["severityLevel"] == 3
        assert row["operation_Id"] == requests["fails"]["operation_Id"]
        assert row["innermostMessage"].startswith(
            "Result: Failure\nException: ZeroDivisionError: division by zero\nStack: "
        )
        assert row["customDimensions"]["prop__PythonExceptionType"] == "ZeroDivisionError"
    ids = [r["itemId"] for r in rows]
    assert len(set(ids)) == len(ids)

"""Real function apps, started with `memline func start` and used over HTTP."""

import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from apphost import AppHost
from e2e_apps import connection_string, python_for, python_with_memline

EXECUTED = re.compile(
    r"Executed 'Functions\.(\w+)' \((Succeeded|Failed), Id=[0-9a-f-]{36}, Duration=\d+ms\)(.*)"
)


def test_routes(start_app: Callable[..., Any]) -> None:
    host = start_app("routes")
    assert f"\tproduct: [GET] http://localhost:{host.port}/api/products/{{id:int}}" in host.output
    found = host.get("/api/products/1")
    assert (found.status, json.loads(found.body)) == (200, {"id": 1, "name": "apple"})
    assert found.headers["content-type"] == ["application/json"]
    assert host.get("/api/products/99").status == 404
    assert host.get("/api/products/x").status == 404
    added = host.request("POST", "/api/products", b'{"name": "plum"}')
    assert (added.status, added.headers["location"]) == (201, ["/api/products/3"])
    assert host.request("POST", "/api/products", b"{").status == 400
    assert host.get("/api/files/a/b%20c").text == "a/b c"
    host.wait_for("added plum")
    executed = EXECUTED.search(host.wait_for(r"Executed 'Functions.add_product'")[0])
    assert executed
    assert executed[2] == "Succeeded"


def test_bodies_headers_and_cookies(start_app: Callable[..., Any]) -> None:
    host = start_app("routes")
    body = os.urandom(10 << 20)
    want = f"{len(body)} {hashlib.sha256(body).hexdigest()}"
    assert host.request("PUT", "/api/digest", body).text == want
    pieces = (body[at : at + 300_000] for at in range(0, len(body), 300_000))
    assert (
        host.request(
            "PUT",
            "/api/digest",
            pieces,
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        ).text
        == want
    )  # type: ignore[arg-type]
    assert host.request("POST", "/api/echo", body, {"Content-Type": "image/x"}).body == body
    login = host.get("/api/login")
    assert login.headers["set-cookie"] == [
        "session=abc; domain=; path=/; httponly",
        "theme=dark; domain=; path=",
    ]
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = json.loads(
        host.get(
            "/api/see?a=1&a=2&empty=&u=%C3%A4", headers={"X-Odd": "Yes", "traceparent": trace}
        ).body
    )
    assert seen["method"] == "GET"
    assert seen["params"] == {"a": "1,2", "u": "ä"}
    assert seen["headers"]["x-odd"] == "Yes"
    assert seen["url"].endswith("/api/see?a=1&a=2&empty=&u=%C3%A4")
    assert seen["function"] == "see"
    assert "0af7651916cd43dd8448eb211c80319c" in seen["trace"]


def test_fastapi(start_app: Callable[..., Any]) -> None:
    host = start_app("fastapi_items")
    assert host.get("/api/items/1").status == 404
    stored = host.request(
        "PUT", "/api/items/1", b'{"name": "n", "price": 2.5}', {"Content-Type": "application/json"}
    )
    assert (stored.status, json.loads(stored.body)) == (200, {"count": 1})
    assert host.request("PUT", "/api/items/1", b'{"name": 1}').status == 422
    found = json.loads(host.get("/api/items/1?verbose=true").body)
    assert found == {"item": {"name": "n", "price": 2.5}, "verbose": True, "started": 1}
    host.wait_for("reading 1")


def test_flask_at_the_root(start_app: Callable[..., Any]) -> None:
    host = start_app("flask_items")
    assert host.get("/").text == "the front page"
    assert host.get("/items/1").status == 404
    assert (
        host.request("PUT", "/items/1", b'{"a": 1}', {"Content-Type": "application/json"}).status
        == 204
    )
    found = host.get("/items/1")
    assert (json.loads(found.body), found.headers["x-count"]) == ({"a": 1}, ["1"])
    moved = host.get("/old")
    assert (moved.status, moved.headers["location"]) == (302, ["/items/1"])


def test_streaming(start_app: Callable[..., Any]) -> None:
    host = start_app("streaming")
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
    connection.request("GET", "/api/ticks")
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream; charset=utf-8"
    times, text = [], b""
    while True:
        piece = answer.read1(65536)
        if not piece:
            break
        times.append(time.monotonic())
        text += piece
    connection.close()
    assert text.count(b"data: ") == 5
    assert times[-1] - times[0] > 0.25, "it came at once, not as a stream"
    body = os.urandom(5 << 20)
    uploaded = json.loads(host.request("POST", "/api/upload", body).body)
    assert uploaded == {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert host.get("/api/big/20").body == b"x" * (20 << 20)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        assert host.get("/api/breaks").status == 500
        raise ConnectionError
    host.wait_for("Exception: RuntimeError: no end")
    assert host.get("/api/big/1").status == 200


def test_timers(start_app: Callable[..., Any]) -> None:
    host = start_app("timers")
    assert len(host.wait_for("tick, past due: False", count=3)) == 3
    host.wait_for("a year has passed")
    host.wait_for("third time lucky")
    assert host.wait_for(r"try \d of 2", count=3) == host.wait_for(r"try [012] of 2", count=3)
    by_hand = host.request(
        "POST", "/admin/functions/yearly", b'{"input": "x"}', {"Content-Type": "application/json"}
    )
    assert by_hand.status == 202
    host.wait_for("a year has passed", count=2)


def test_blueprints(start_app: Callable[..., Any]) -> None:
    host = start_app("blueprints")
    assert host.get("/api/own").text == "own"
    assert host.get("/api/orders/pear").text == "400 cents"
    assert host.request("DELETE", "/api/orders/pear").status == 204
    assert host.get("/api/manage/where").text == str(host.root / "parts")


def test_both_forms(start_app: Callable[..., Any]) -> None:
    host = start_app("both_forms")
    assert host.get("/api/New").text == "from a decorator"
    old = host.get("/api/old/7")
    assert (old.status, old.text) == (203, "from a folder 7")
    assert host.get("/api/Old").text == "from a folder None"


def test_errors(start_app: Callable[..., Any]) -> None:
    host = start_app("errors")
    for name in ("Missing", "Broken", "Unfit"):
        assert f"\t{name}: failed to load" in host.output
    assert "No module named 'a_module_that_nobody_installed'" in host.output
    assert "SyntaxError: " in host.output
    assert (
        "FunctionLoadError: cannot load the Unfit function: the following parameters are declared in"
        in host.output
    )
    works = host.get("/api/Works")
    assert (works.status, works.text) == (200, "works")
    for name in ("Zero", "Exits", "Missing", "Broken", "Unfit"):
        failed = host.get(f"/api/{name}")
        assert (failed.status, failed.body) == (500, b""), name
    host.wait_for("Executed 'Functions.Exits'")
    messages = "\n".join(host.messages())
    assert "\nException: ZeroDivisionError: division by zero\n" in messages
    assert f'Stack:   File "{host.root}/Zero/__init__.py", line 6, in main' in messages
    assert host.get("/api/Works").status == 200


def test_a_function_that_hangs_and_one_that_dies(start_app: Callable[..., Any]) -> None:
    host = start_app("errors")
    begun = time.monotonic()
    assert host.get("/api/Hangs").status == 500
    assert 1.5 < time.monotonic() - begun < 10
    host.wait_for("Timeout value of 00:00:02 exceeded by function 'Functions.Hangs'")
    assert host.get("/api/Works").text == "works"
    assert host.get("/api/Dies").status == 500
    host.wait_for(r"killed by signal 9 \(SIGKILL\)")
    assert host.get("/api/Works").text == "works"


def test_chatty(start_app: Callable[..., Any]) -> None:
    host = start_app("chatty")
    host.wait_for("said at import")
    assert host.get("/api/flood/3000").text == "3000"
    executed = host.wait_for("Executed 'Functions.flood'")[0]
    before = host.lines[: host.lines.index(executed)]
    numbers = [int(m[1]) for line in before for m in [re.search(r"line (\d+) of 3000", line)] if m]
    assert numbers == list(range(3000)), "every line, in order, before the result"
    host.get("/api/levels")
    host.wait_for("Executed 'Functions.levels'")
    messages = host.messages()
    at = messages.index("an information")
    assert messages[at : at + 3] == ["an information", "in three", "lines"]
    for text in ("a warning", "an error", "a critical word", "KeyError: 'key'"):
        assert text in messages
    assert "a debug word" not in messages
    host.get("/api/late")
    host.wait_for("said by a timer, late")
    host.wait_for("said by a task, late")
    host.get("/api/prints")
    host.wait_for("Executed 'Functions.prints'")
    messages = host.messages()
    end = next(i for i, m in enumerate(messages) if m.startswith("Executed 'Functions.prints'"))
    for text in ("printed to stdout", "printed to stderr: an error"):
        assert text in messages[:end]


def test_opentelemetry_in_user_code(start_app: Callable[..., Any], ingestion: Any) -> None:
    host = start_app("tracing", env={"EXPORT_TO": connection_string(ingestion)})
    trace_id = host.get("/api/work").text
    assert re.fullmatch("[0-9a-f]{32}", trace_id)
    kinds = {item["data"]["baseType"] for item in ingestion.received}
    assert {"RemoteDependencyData", "MessageData"} <= kinds
    span = next(i for i in ingestion.received if i["data"]["baseType"] == "RemoteDependencyData")
    assert span["data"]["baseData"]["name"] == "inner work"
    assert span["tags"]["ai.operation.id"] == trace_id
    host.wait_for("from inside the span")


@pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="opencensus's logging handler breaks on Python 3.13 by itself",
)
def test_opencensus_in_user_code(start_app: Callable[..., Any], ingestion: Any) -> None:
    host = start_app("census", env={"EXPORT_TO": connection_string(ingestion)})
    assert host.get("/api/count?what=sheep").text == "counted"
    deadline = time.monotonic() + 10
    while not ingestion.received and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ["counted sheep"] == [i["data"]["baseData"]["message"] for i in ingestion.received]
    host.wait_for("counted sheep")


def test_many_at_once(start_app: Callable[..., Any], page: Any) -> None:
    host = start_app("clients", env={"PAGE_URL": page.url})
    size = len(page.RequestHandlerClass.page)
    assert host.get("/api/gather/5").text == str(5 * size)
    assert host.get("/api/threads/5").text == str(5 * size)
    begun = time.monotonic()
    with ThreadPoolExecutor(60) as pool:
        answers = list(
            pool.map(lambda n: host.get("/api/" + ("slow", "blocking")[n % 2]).text, range(60))
        )
    assert answers == ["slow", "blocking"] * 30
    assert time.monotonic() - begun < 10


def test_memory_of_each_invocation(start_app: Callable[..., Any]) -> None:
    host = start_app("leaky")
    host.get("/api/idle")
    for _ in range(3):
        host.get("/api/leak")
    host.get("/api/borrow")
    figures: Dict[str, List[str]] = {}
    host.wait_for("Executed 'Functions.borrow'")
    for line in host.lines:
        executed = EXECUTED.search(line)
        if executed:
            figures.setdefault(executed[1], []).append(executed[3])
    assert len(figures["leak"]) == 3
    assert all(re.search(r"\d", text) for name in figures for text in figures[name]), figures


@pytest.mark.figures
@pytest.mark.parametrize("how", ["option", "environment"])
def test_profile_every_line(start_app: Callable[..., Any], how: str) -> None:
    python = python_with_memline(["azure-functions"])
    if how == "option":
        host = start_app("leaky", "--profile", python=python)
    else:
        host = start_app("leaky", python=python, env={"MEMLINE_FUNC_PROFILE": "line"})
    assert host.get("/api/leak").text == "1"
    assert host.get("/api/borrow").status == 200
    host.wait_for("Executed 'Functions.borrow'")
    messages = host.messages()
    assert f"Filename: {host.root}/function_app.py" in messages
    assert "Line #    Mem usage    Increment  Occurrences   Line Contents" in messages
    row = next(m for m in messages if m.endswith('page = b"x" * (8 << 20)'))
    assert re.fullmatch(r' +14 +[\d.]+ MiB +8\.\d MiB +1       page = b"x" \* \(8 << 20\)', row), (
        row
    )
    assert any(m.endswith('    entry = {"what": what, "number": len(entries)}') for m in messages)
    assert messages.index(row) < next(
        i for i, m in enumerate(messages) if "Executed 'Functions.leak'" in m
    )


def test_storage_without_a_storage_account(start_app: Callable[..., Any]) -> None:
    """An app with triggers that cannot run here starts, and serves what it can."""
    host = start_app("storage")
    assert re.search(r"\tfrom_afar: serviceBusTrigger \(not run here: .+\)", host.output)
    assert host.request("POST", "/api/orders", b'{"id": "7", "name": "pear"}').status in (202, 500)
    run = host.request(
        "POST",
        "/admin/functions/serve_order",
        json.dumps({"input": '{"id": "7", "name": "pear"}'}).encode(),
        {"Content-Type": "application/json"},
    )
    assert run.status == 202
    host.wait_for("serving pear")


# The tutorial, typed as written


def sh(program: str, root: Path, *words: str) -> str:
    done = subprocess.run(
        [program, *words], cwd=str(root), capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.figures
def test_the_tutorial(memline_program: str, tmp_path: Path, page: Any) -> None:
    sh(memline_program, tmp_path, "func", "init", "PythonMemoryProfilingDemo", "--python")
    root = tmp_path / "PythonMemoryProfilingDemo"
    for name in ("HttpTriggerAsync", "HttpTriggerSync"):
        sh(
            memline_program,
            root,
            "func",
            "new",
            "-l",
            "python",
            "-t",
            "HttpTrigger",
            "-n",
            name,
            "-a",
            "anonymous",
        )
        written = (Path(__file__).parent / "apps" / "tutorial" / name / "__init__.py").read_text()
        assert (root / name / "function.json").exists()
        (root / name / "__init__.py").write_text(written.replace("https://microsoft.com", page.url))
    python = python_with_memline(["azure-functions", "aiohttp", "requests"])
    host = AppHost(memline_program, root, python, command=("func", "host", "start"))
    try:
        host.wait_for("For detailed output")
        assert host.get("/api/HttpTriggerAsync").text == "Microsoft Page Is Loaded"
        size = len(page.RequestHandlerClass.page)
        assert host.get("/api/HttpTriggerSync").text == f"Microsoft Page Response Size: {size}"
        host.wait_for("Executed 'Functions.HttpTriggerSync'")
        messages = host.messages()
        # The log holds rows with an increment only; which lines find memory that is there already
        # is not for us to say, but the decorator's row, the baseline, always has one.
        for name in ("Async", "Sync"):
            assert f"Filename: {root}/HttpTrigger{name}/__init__.py" in "\n".join(messages)
        row = re.compile(
            r"\d MiB +[\d.]+ MiB +\d+ +"
            r"(@memory_profiler\.profile|async with client|await response|response = requests)"
        )
        assert sum(bool(row.search(m)) for m in messages) >= 2, messages
        assert any(
            "Line #    Mem usage    Increment  Occurrences   Line Contents" in m for m in messages
        )
    finally:
        assert host.stop() == 0


def test_the_tutorial_with_the_original(
    memline_program: str, start_app: Callable[..., Any], page: Any
) -> None:
    """Where memory_profiler is installed it is used, and one line says how to switch."""
    python = python_for(["azure-functions", "aiohttp", "requests", "memory_profiler==0.61.0"])
    host = start_app("tutorial", python=python, replace=[("https://microsoft.com", page.url)])
    assert host.get("/api/HttpTriggerSync").status == 200
    host.wait_for("This app uses the original memory_profiler 0.61.0")
    host.wait_for("response = requests.get")


# Life


def test_stop_while_a_request_runs(start_app: Callable[..., Any], page: Any) -> None:
    host = start_app("clients", env={"PAGE_URL": page.url})
    answers: List[Any] = []
    client = threading.Thread(target=lambda: answers.append(host.get("/api/slow").text))
    client.start()
    host.wait_for("Executing 'Functions.slow'")
    workers = host.worker_pids()
    assert workers
    assert host.stop() == 0
    client.join(5)
    assert answers == ["slow"]
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


def test_killing_the_host_ends_the_worker(start_app: Callable[..., Any]) -> None:
    host = start_app("routes")
    (worker, *_) = host.worker_pids()
    os.kill(host.process.pid, signal.SIGKILL)
    host.process.wait()
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{worker}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{worker}")


def test_saving_a_file_reloads(start_app: Callable[..., Any]) -> None:
    host = start_app("blueprints")
    assert host.get("/api/own").text == "own"
    file = host.root / "function_app.py"
    good = file.read_text()
    file.write_text(good.replace('return "own"', 'return "changed"'))
    host.wait_for("Worker process started and initialized", count=2)
    assert host.get("/api/own").text == "changed"
    file.write_text("def broken(:\n")
    host.wait_for("SyntaxError: ")
    host.wait_for("^0 functions")
    file.write_text(good)
    host.wait_for("Worker process started and initialized", count=4)
    assert host.get("/api/own").text == "own"

"""The life of a worker: start, what is prepared before the user's code, and the end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from fakehost import ENTRY, encode, http

HELLO = """
import azure.functions as func
app = func.FunctionApp()

@app.route(route="x")
def x(req: func.HttpRequest) -> str:
    return "fine"
"""


def test_hello_tells_who_it_is(app: Callable[..., Any], library_python: str) -> None:
    host = app({"function_app.py": HELLO})
    assert host.hello["protocol"] == 1
    assert host.hello["pid"] == host.process.pid
    assert host.hello["python"] == ".".join(map(str, sys.version_info[:3]))
    assert host.hello["executable"] == library_python
    assert host.hello["library"].split(".")[0] in ("1", "2")
    assert host.hello["library_error"] is None
    assert host.statuses == [{"phase": "importing", "what": "function_app.py"}]


def test_without_the_library(make_host: Callable[..., Any]) -> None:
    host = make_host(sys.executable, {"function_app.py": HELLO}, arguments=("-S",))
    kind, hello, _ = host.receive()
    assert kind == "H"
    assert hello["library"] is None
    assert "No module named 'azure'" in hello["library_error"]
    host.send("x", {})
    assert host.process.wait(10) == 0


def test_a_library_that_breaks_is_told(make_host: Callable[..., Any], newest_python: str) -> None:
    packages = ".python_packages/lib/site-packages/azure/functions/__init__.py"
    host = make_host(newest_python, {packages: "1/0"})
    assert host.receive()[1]["library_error"] == "ZeroDivisionError: division by zero"


def test_nothing_of_the_users_is_imported_before_init(
    make_host: Callable[..., Any], newest_python: str
) -> None:
    host = make_host(newest_python, {"function_app.py": "open('imported', 'w')\n" + HELLO})
    assert host.receive()[0] == "H"
    time.sleep(0.2)
    assert not (host.root / "imported").exists()


def test_byte_by_byte(make_host: Callable[..., Any], newest_python: str) -> None:
    host = make_host(newest_python, {"function_app.py": HELLO}, drip=True)
    host.start()
    assert host.get("x").frame["return"] == {"t": "string", "v": "fine"}
    assert host.exit() == 0


SEES = """
import logging, os, socket, sys, json
handlers = logging.getLogger().handlers
import azure.functions as func
app = func.FunctionApp()
seen = dict(
    path=list(sys.path), argv0=sys.argv[0], handlers=[type(h).__mro__[1].__name__ for h in handlers],
    level=logging.getLogger().level, modules=sorted(sys.modules), loop=repr(__import__("asyncio").get_running_loop()),
    buffering=sys.stdout.line_buffering, encoding=sys.stdout.encoding)

@app.route(route="x")
def x(req: func.HttpRequest) -> str:
    return "[" + json.dumps(seen) + "]"
"""


def test_what_the_users_module_finds(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": SEES, ".python_packages/lib/site-packages/deployed.py": ""})
    seen = json.loads(host.get("x").frame["return"]["v"])[0]
    assert seen["path"][0] == str(host.root / ".python_packages/lib/site-packages")
    assert seen["path"][-1] == str(host.root)
    assert seen["path"].count(str(host.root)) == 1
    assert not any("memline" in p and "site-packages" not in p for p in seen["path"])
    assert seen["handlers"] == ["Handler"]
    assert seen["level"] == 20
    assert seen["buffering"]
    assert seen["encoding"].lower().replace("-", "") == "utf8"
    assert not [
        m for m in seen["modules"] if m.split(".")[0] in ("memline", "psutil", "google", "grpc")
    ]


def test_debug_logging_from_init_or_environment(app: Callable[..., Any]) -> None:
    for options in ({"debug_logging": True}, {"env": {"PYTHON_ENABLE_DEBUG_LOGGING": "true"}}):
        host = app({"function_app.py": SEES}, **options)
        assert json.loads(host.get("x").frame["return"]["v"])[0]["level"] == 10


def test_ping_is_answered_from_the_loop(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": HELLO})
    host.send("p", {"seq": 41})
    kind, pong, _ = host.receive()
    assert (kind, pong["seq"], pong["running"]) == ("P", 41, 0)
    assert pong["rss"] > 5 << 20


def test_dump_of_a_worker_whose_loop_hangs(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HELLO
            + """
import time
@app.route(route="y")
async def hangs_here(req: func.HttpRequest) -> str:
    time.sleep(1.5)
    return ""
"""
        }
    )
    call = host.send_invoke("hangs_here", req=http())
    time.sleep(0.3)
    host.send("d", {})
    time.sleep(0.5)
    assert "in hangs_here" in host.stderr
    assert host.result(call).frame["ok"]


ATEXIT = (
    HELLO
    + """
import atexit, logging
atexit.register(lambda: logging.info("the last word"))
atexit.register(lambda: print("printed last", end=""))
import threading, time
@app.route(route="slow")
def slow(req: func.HttpRequest) -> str:
    time.sleep(30)
@app.route(route="aslow")
async def aslow(req: func.HttpRequest) -> str:
    import asyncio
    await asyncio.sleep(30)
"""
)


@pytest.mark.parametrize("busy", [None, "slow", "aslow"])
def test_exit_runs_atexit_handlers(app: Callable[..., Any], busy: Any) -> None:
    host = app({"function_app.py": ATEXIT})
    if busy:
        host.send_invoke(busy, req=http())
        time.sleep(0.2)
    begun = time.monotonic()
    assert host.exit() == 0
    assert time.monotonic() - begun < 2
    assert [log["message"] for log in host.logs] == ["the last word"]
    assert host.stdout == "printed last"


def test_the_host_dies(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": ATEXIT})
    host.sock.close()
    assert host.process.wait(5) == 0
    host.__exit__()
    assert host.stdout == "printed last"


def test_the_host_dies_while_the_loop_hangs(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HELLO
            + "import time\n@app.route(route='y')\nasync def y(req) -> str:\n    time.sleep(60)\n"
        }
    )
    host.send_invoke("y", req=http())
    time.sleep(0.2)
    host.sock.close()
    host.process.wait(8)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 40,
        encode("?", {}),
        encode("v", {"id": 5, "function": "x"}),
        encode("v", {}),
        encode("b", {}),
        encode("k", {"id": "x", "n": "many"}),
        encode("p", b"[]"),
    ],
)
def test_a_malformed_frame_ends_the_worker(app: Callable[..., Any], data: bytes) -> None:
    host = app({"function_app.py": HELLO})
    host.send_raw(data)
    assert host.receive()[0] == ""
    assert host.process.wait(8) == 1
    host.__exit__()
    assert "bad frame from the host" in host.stderr


def test_a_frame_before_init_ends_the_worker(
    make_host: Callable[..., Any], newest_python: str
) -> None:
    host = make_host(newest_python, {})
    host.receive()
    host.send("v", {"id": "x"})
    assert host.process.wait(10) == 1


def test_an_unknown_function(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": HELLO})
    host.index["functions"].append({"name": "ghost", "id": "none-such"})
    assert (
        host.get("ghost").error["message"]
        == "LookupError: there is no function with the id 'none-such'"
    )
    assert host.get("x").frame["ok"]


def test_sigterm_ends_it_as_it_ends_any_python(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": HELLO})
    os.kill(host.process.pid, signal.SIGTERM)
    assert host.process.wait(5) == -signal.SIGTERM


def test_started_by_hand_it_says_what_to_do(run: Callable[..., Any], newest_python: str) -> None:
    done = run([newest_python, ENTRY], status=2)
    assert done.stderr == "memline: a worker is started by the host\n  try: memline func start\n"


def test_by_socket_path(tmp_path: Path, newest_python: str, run: Callable[..., Any]) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen(1)
        process = subprocess.Popen(
            [newest_python, str(ENTRY), "--socket", str(tmp_path / "s")], cwd=str(tmp_path)
        )
        listening.settimeout(10)
        connection = listening.accept()[0]
        assert connection.recv(5)[4:] == b"H"
        connection.close()
        assert process.wait(10) in (0, 1)


def test_fork_in_a_function(app: Callable[..., Any]) -> None:
    """The child logs to stderr, sends no frame, and never comes back to serve."""
    host = app(
        {
            "function_app.py": HELLO
            + """
import logging, os, multiprocessing
@app.route(route="forks")
def forks(req: func.HttpRequest) -> str:
    child = os.fork()
    if child == 0:
        logging.warning("from the child")
        return "child"
    os.waitpid(child, 0)
    return "parent"

def work(queue):
    logging.warning("from the process")
    queue.put(42)

@app.route(route="starts")
def starts(req: func.HttpRequest) -> str:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    answer = queue.get(timeout=10)
    process.join(10)
    return "answer %d" % answer
"""
        }
    )
    assert host.get("forks").frame["return"]["v"] == "parent"
    assert host.get("starts").frame["return"]["v"] == "answer 42"
    assert host.logs == []
    assert host.exit() == 0
    assert "from the child\n" in host.stderr
    assert "from the process\n" in host.stderr


def test_sub_processes_do_not_hold_the_socket(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HELLO
            + """
import subprocess
@app.route(route="spawns")
def spawns(req: func.HttpRequest) -> str:
    subprocess.Popen(["sleep", "20"], close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return ""
"""
        }
    )
    assert host.get("spawns").frame["ok"]
    os.kill(host.process.pid, signal.SIGKILL)
    assert host.receive()[0] == ""


def test_the_users_own_exit(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HELLO
            + "import os\n@app.route(route='q')\ndef q(req) -> str:\n    os._exit(3)\n"
        }
    )
    host.send_invoke("q", req=http())
    assert host.receive()[0] == ""
    assert host.process.wait(5) == 3

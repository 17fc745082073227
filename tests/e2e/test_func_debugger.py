"""A debugger in the worker, as editors put it there: debugpy behind --language-worker, spoken to by its protocol."""

import json
import queue
import socket
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest
from apphost import free_port
from e2e_apps import python_for


class Debugger:
    """A client of the debug adapter protocol: numbered requests, their responses, events."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._stream = self._socket.makefile("rb")
        self._seq = 0
        self._events: queue.Queue[Dict[str, Any]] = queue.Queue()
        self._responses: queue.Queue[Dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            size = 0
            while True:
                line = self._stream.readline().strip()
                if not line:
                    break
                size = int(line.split(b":")[1])
            if size == 0:
                return
            message = json.loads(self._stream.read(size))
            kind = self._responses if message["type"] == "response" else self._events
            kind.put(message)

    def send(self, command: str, **arguments: Any) -> int:
        self._seq += 1
        message = {"seq": self._seq, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        return self._seq

    def answer(self, seq: int) -> Any:
        while True:
            message = self._responses.get(timeout=60)
            if message["request_seq"] == seq:
                assert message["success"], message
                return message.get("body")

    def ask(self, command: str, **arguments: Any) -> Any:
        return self.answer(self.send(command, **arguments))

    def event(self, name: str) -> Dict[str, Any]:
        while True:
            message = self._events.get(timeout=60)
            if message["event"] == name:
                return message.get("body") or {}

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def attach() -> Iterator[Callable[[int], Debugger]]:
    open_ones = []

    def connect(port: int) -> Debugger:
        open_ones.append(Debugger(port))
        return open_ones[-1]

    yield connect
    for one in open_ones:
        one.close()


@pytest.mark.parametrize("how", ["option", "environment"])
def test_debugpy_stops_at_a_breakpoint(
    start_app: Callable[..., Any], attach: Callable[[int], Debugger], how: str
) -> None:
    port = free_port()
    arguments = f"-m debugpy --listen 127.0.0.1:{port}"
    python = python_for(["azure-functions", "debugpy"])
    if how == "option":
        host = start_app("routes", "--language-worker", arguments, python=python)
    else:
        host = start_app(
            "routes", python=python, env={"languageWorkers__python__arguments": arguments}
        )
    source = host.root / "function_app.py"
    lines = source.read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "def product(" in text) + 1
    assert host.get("/api/products/1").status == 200  # nobody has attached: it just runs

    debugger = attach(port)
    debugger.ask("initialize", adapterID="test", pathFormat="path")
    attached = debugger.send("attach", justMyCode=True)
    debugger.event("initialized")
    answer = debugger.ask(
        "setBreakpoints", source={"path": str(source)}, breakpoints=[{"line": line}]
    )
    assert answer["breakpoints"][0]["verified"]
    debugger.ask("configurationDone")
    debugger.answer(attached)

    got = []
    client = threading.Thread(target=lambda: got.append(host.get("/api/products/1", timeout=100)))
    client.start()
    thread = debugger.event("stopped")["threadId"]
    frame = debugger.ask("stackTrace", threadId=thread)["stackFrames"][0]
    assert (frame["name"], Path(frame["source"]["path"]).name) == ("product", source.name)
    assert abs(frame["line"] - line) <= 1
    value = debugger.ask("evaluate", expression="req.route_params['id']", frameId=frame["id"])
    assert value["result"].strip("'") == "1"
    assert not got, "the request waits at the breakpoint"
    debugger.ask("setBreakpoints", source={"path": str(source)}, breakpoints=[])
    debugger.ask("continue", threadId=thread)
    client.join(60)
    assert [r.status for r in got] == [200]
    debugger.ask("disconnect", terminateDebuggee=False)
    assert host.get("/api/products/1").status == 200

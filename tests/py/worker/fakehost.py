"""A host in a few lines of Python: starts a worker over a socket pair and speaks docs/wire.md to it.

It shares no code with the worker, so that each side checks the other's reading of the wire.
"""

import json
import os
import select
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

ENTRY = Path(__file__).resolve().parents[3] / "python" / "memline" / "worker" / "__main__.py"
TIMEOUT = 30.0  # seconds without a frame

Frame = Tuple[str, Dict[str, Any], bytes]


def encode(kind: str, body: Any, payload: bytes = b"") -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        struct.pack(">IcI", 5 + len(text) + len(payload), kind.encode(), len(text)) + text + payload
    )


def http(
    method: str = "GET",
    url: str = "http://localhost:7071/api/x",
    headers: Optional[Mapping[str, str]] = None,
    query: Optional[Mapping[str, str]] = None,
    params: Optional[Mapping[str, str]] = None,
    body: bytes = b"",
) -> Dict[str, Any]:
    return {
        "t": "http",
        "method": method,
        "url": url,
        "headers": dict(headers or {}),
        "query": dict(query or {}),
        "params": dict(params or {}),
        "body": body,  # placed by invoke
    }


class Result(NamedTuple):
    """What came back of one invocation."""

    frame: Dict[str, Any]
    body: bytes  # of an http or bytes return
    logs: List[Dict[str, Any]]  # of this invocation, before the result
    payload: bytes

    @property
    def status(self) -> int:
        assert self.frame["ok"], self.frame["error"]
        return int(self.frame["return"]["status"])

    @property
    def error(self) -> Dict[str, str]:
        assert not self.frame["ok"], self.frame
        return dict(self.frame["error"])

    def messages(self) -> List[str]:
        return [log["message"] for log in self.logs]


class FakeHost:
    """with FakeHost(python, root) as host: host.start(); host.invoke("name", req=http())"""

    def __init__(
        self,
        python: str,
        root: Path,
        env: Optional[Mapping[str, str]] = None,
        drip: bool = False,
        arguments: Tuple[str, ...] = (),
    ) -> None:
        self.root = root
        self._drip = drip  # send byte by byte
        ours, theirs = socket.socketpair()
        self.sock = ours
        self.sock.settimeout(TIMEOUT)
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MEMLINE"))
        }
        environment.update({"LC_ALL": "C.UTF-8", **(env or {})})
        self.process = subprocess.Popen(
            [python, *arguments, str(ENTRY), "--fd", str(theirs.fileno())],
            cwd=str(root),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._output: Dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._readers = [self._drain(name) for name in self._output]
        self.hello: Dict[str, Any] = {}
        self.index: Dict[str, Any] = {}
        self.logs: List[Dict[str, Any]] = []  # every log frame so far
        self.statuses: List[Dict[str, Any]] = []
        self._results: Dict[str, Result] = {}
        self._bodies: Dict[str, bytearray] = {}
        self._ended_bodies: Dict[str, Optional[str]] = {}
        self.answers: Dict[str, Dict[str, Any]] = {}
        self._count = 0

    # Life

    def __enter__(self) -> "FakeHost":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()
        if self.process.poll() is None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for thread in self._readers:
            thread.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _drain(self, name: str) -> threading.Thread:
        pipe = getattr(self.process, name)

        def read() -> None:
            while True:
                data = os.read(pipe.fileno(), 65536)
                if not data:
                    return
                self._output[name] += data

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _settled(self, name: str) -> bytes:
        """What is in the pipe by now has been read: its reader takes it within milliseconds."""
        pipe = getattr(self.process, name)
        deadline = time.monotonic() + 5
        while (
            not pipe.closed and time.monotonic() < deadline and select.select([pipe], [], [], 0)[0]
        ):
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        time.sleep(0.02)
        return bytes(self._output[name])

    @property
    def stdout(self) -> str:
        return self._settled("stdout").decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        return self._settled("stderr").decode("utf-8", "replace")

    def start(self, **init: Any) -> Dict[str, Any]:
        """Hello, init, and everything until indexed."""
        kind, self.hello, _ = self.receive()
        assert kind == "H", (kind, self.hello)
        given: Dict[str, Any] = {
            "protocol": 1,
            "host_version": "0",
            "root": str(self.root),
            "worker": 0,
            "workers": 1,
            "threads": 1000,
            "debug_logging": False,
            "script_file": "function_app.py",
            "functions": None,
            "profile": "off",
            "memory": True,
            "extensions": False,
        }
        self.send("i", {**given, **init})
        self.wait_for("I")
        return self.index

    def exit(self, grace: float = 10) -> int:
        """Ask the worker to end; its exit code. Collects the logs of its atexit handlers."""
        self.send("x", {"reason": "test", "grace_ms": 1000})
        while True:
            frame = self.receive()
            if frame[0] == "":
                break
            self._note(frame)
        code = self.process.wait(grace)
        for thread in self._readers:
            thread.join(5)
        return code

    # Frames

    def send(self, kind: str, body: Any, payload: bytes = b"") -> None:
        self.send_raw(encode(kind, body, payload))

    def send_raw(self, data: bytes) -> None:
        if self._drip:
            for n in range(len(data)):
                self.sock.sendall(data[n : n + 1])
        else:
            self.sock.sendall(data)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                assert not data, "the worker's stream ended inside a frame"
                return b""
            data += more
        return data

    def receive(self) -> Frame:
        """The next frame; its kind is "" at the end of the stream."""
        try:
            head = self._read(9)
        except socket.timeout:
            raise AssertionError(
                f"no frame for {TIMEOUT} s\n{self.stdout}\n{self.stderr}"
            ) from None
        except ConnectionResetError:
            head = b""
        if not head:
            return "", {}, b""
        length, kind, size = struct.unpack(">IcI", head)
        assert 5 <= length <= 8 << 20
        assert size <= length - 5
        text = self._read(size)
        return kind.decode(), json.loads(text.decode("utf-8")), self._read(length - 5 - size)

    def _note(self, frame: Frame) -> None:
        kind, body, payload = frame
        if kind == "L":
            self.logs.append(body)
        elif kind == "S":
            self.statuses.append(body)
        elif kind == "I":
            self.index = body
        elif kind == "A":
            self.answers[body["id"]] = body
        elif kind == "B":
            assert len(payload) <= 256 << 10
            self._bodies.setdefault(body["id"], bytearray()).extend(payload)
            if body["last"]:
                self._ended_bodies[body["id"]] = body.get("error")
        elif kind == "R":
            self._keep_result(body, payload)

    def _keep_result(self, body: Dict[str, Any], payload: bytes) -> None:
        assert body["id"] not in self._results, "two results for one invocation"
        logs = [log for log in self.logs if log["id"] == body["id"]]
        self._results[body["id"]] = Result(body, b"", logs, payload)

    def wait_for(self, kind: str) -> Frame:
        while True:
            frame = self.receive()
            assert frame[0], f"the worker ended\n{self.stdout}\n{self.stderr}"
            self._note(frame)
            if frame[0] == kind:
                return frame

    # Invocations

    def function(self, name: str) -> Dict[str, Any]:
        found = [f for f in self.index["functions"] if f["name"] == name]
        assert found, f"no function {name} in {self.index}"
        return dict(found[0])

    def send_invoke(self, name: str, *, invocation_id: str = "", **inputs: Any) -> str:
        """Keywords: a datum for each input; bytes, str and int become one. _metadata, _trace, _retry,
        _stream as the frame's fields; _chunk: send the http body in chunks of this many bytes."""
        self._count += 1
        invocation_id = invocation_id or f"inv-{self._count}"
        extra = {
            k: inputs.pop(k, None) for k in ("_metadata", "_trace", "_retry", "_stream", "_chunk")
        }
        payload = bytearray()
        chunked = b""

        def place(data: bytes) -> Dict[str, Any]:
            nonlocal chunked
            if extra["_chunk"]:
                chunked = data
                return {"t": "bytes", "chunks": True, "n": -1 if extra["_stream"] else len(data)}
            payload.extend(data)
            return {"t": "bytes", "at": len(payload) - len(data), "n": len(data)}

        def as_datum(value: Any) -> Any:
            if isinstance(value, bytes):
                return place(value)
            if isinstance(value, str):
                return {"t": "string", "v": value}
            if isinstance(value, int):
                return {"t": "int", "v": value}
            if isinstance(value, dict) and isinstance(value.get("body"), bytes):
                return {**value, "body": place(value["body"])}
            return value

        frame = {
            "id": invocation_id,
            "function": self.function(name)["id"],
            "name": name,
            "inputs": {k: as_datum(v) for k, v in inputs.items()},
            "metadata": {k: as_datum(v) for k, v in (extra["_metadata"] or {}).items()},
            "trace": extra["_trace"] or {"parent": "", "state": "", "attributes": {}},
            "retry": extra["_retry"],
            "stream": bool(extra["_stream"]),
        }
        self.send("v", frame, bytes(payload))
        if extra["_chunk"]:
            self.send_chunks(invocation_id, chunked, extra["_chunk"])
        return invocation_id

    def send_chunks(self, invocation_id: str, data: bytes, size: int) -> None:
        for at in range(0, max(len(data), 1), size):
            last = at + size >= len(data)
            self.send("b", {"id": invocation_id, "last": last}, data[at : at + size])

    def result(self, invocation_id: str) -> Result:
        """The result of an invocation, once its body is complete."""
        while invocation_id not in self._results:
            self.wait_for_any()
        result = self._results[invocation_id]
        return result._replace(body=self._body_of(invocation_id, result))

    def wait_for_any(self) -> None:
        frame = self.receive()
        assert frame[0], f"the worker ended\n{self.stdout}\n{self.stderr}"
        self._note(frame)

    def _body_of(self, invocation_id: str, result: Result) -> bytes:
        returned = result.frame.get("return") or {}
        datum = returned.get("body", returned)
        if datum.get("chunks"):
            while invocation_id not in self._ended_bodies:
                self.wait_for_any()
            data = bytes(self._bodies[invocation_id])
            assert len(data) == datum["n"]
            return data
        if datum.get("t") == "bytes" or "at" in datum:
            return result.payload[datum["at"] : datum["at"] + datum["n"]]
        return bytes(self._bodies.get(invocation_id, b""))

    def body_error(self, invocation_id: str) -> Optional[str]:
        return self._ended_bodies[invocation_id]

    def invoke(self, name: str, **inputs: Any) -> Result:
        return self.result(self.send_invoke(name, **inputs))

    def get(self, name: str, **inputs: Any) -> Result:
        """Invoke an HTTP function whose trigger is called req."""
        return self.invoke(name, req=inputs.pop("req", http()), **inputs)

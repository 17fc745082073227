"""Bodies on their way: uploads and answers as streams (azurefunctions-extensions-http-fastapi), and long ones."""

import hashlib
import http.client
import json
import os
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

MIB = 1 << 20


@pytest.fixture
def streaming(start_app: Callable[..., Any]) -> Any:
    return start_app("streaming")


def high_water(pid: int) -> int:
    """The most resident memory of a process since it was last reset, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found.group(1)) * 1024


def forget_high_water(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def head(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def read_until(s: socket.socket, text: bytes) -> bytes:
    got = b""
    while text not in got:
        piece = s.recv(65536)
        assert piece, got
        got += piece
    return got


def test_a_function_begins_before_its_body_has_come(streaming: Any) -> None:
    with socket.create_connection(("127.0.0.1", streaming.port), timeout=30) as s:
        s.sendall(head("/api/upload", "Transfer-Encoding: chunked") + chunk(b"one"))
        streaming.wait_for("Executing 'Functions.upload'")
        assert not any("Executed 'Functions.upload'" in line for line in streaming.lines)
        s.sendall(chunk(b"two") + b"0\r\n\r\n")
        want = hashlib.sha256(b"onetwo").hexdigest().encode()
        assert want in read_until(s, want)


def test_a_body_goes_back_while_it_comes(streaming: Any) -> None:
    body = os.urandom(24 * MIB)

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 300_000):
            yield body[at : at + 300_000]

    for fields in ({}, {"Content-Length": str(len(body))}):
        connection = http.client.HTTPConnection("127.0.0.1", streaming.port, timeout=60)
        connection.request("POST", "/api/echo", pieces(), fields, encode_chunked=not fields)
        answer = connection.getresponse()
        assert answer.getheader("Transfer-Encoding") == "chunked"
        assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(body).digest()
        connection.close()


@pytest.mark.figures
def test_a_hundred_mebibytes_leave_host_and_worker_small(streaming: Any) -> None:
    streaming.request("POST", "/api/slowly", b"x")  # loads what a first request loads
    (worker,) = streaming.worker_pids()
    for pid in (streaming.process.pid, worker):
        forget_high_water(pid)
    before = high_water(streaming.process.pid), high_water(worker)
    block = b"x" * MIB
    answer = streaming.request(
        "POST",
        "/api/slowly",
        (block for _ in range(100)),
        {"Content-Length": str(100 * MIB)},
        timeout=110,
    )
    seen = json.loads(answer.body)
    assert seen["size"] == 100 * MIB
    after = high_water(streaming.process.pid), high_water(worker)
    assert after[0] - before[0] < 8 * MIB
    assert after[1] - before[1] < 16 * MIB
    assert seen["most"] - before[1] < 16 * MIB


def test_an_answer_before_the_body_is_whole(streaming: Any) -> None:
    with socket.create_connection(("127.0.0.1", streaming.port), timeout=30) as s:
        s.sendall(head("/api/first", "Transfer-Encoding: chunked") + chunk(b"four"))
        streaming.wait_for("Executed 'Functions.first'")
        for _ in range(40):  # it is read off, and not kept
            s.sendall(chunk(b"x" * 100_000))
        s.sendall(b"0\r\n\r\n")
        assert b'{"first":4}' in read_until(s, b"}")


def test_a_client_that_leaves_ends_the_body(streaming: Any) -> None:
    with socket.create_connection(("127.0.0.1", streaming.port), timeout=30) as s:
        s.sendall(head("/api/upload", "Content-Length: 1000") + b"half")
        streaming.wait_for("Executing 'Functions.upload'")
    streaming.wait_for(r"Executed 'Functions.upload' \(Failed")
    streaming.wait_for("ClientDisconnect")
    assert json.loads(streaming.request("POST", "/api/upload", b"abc").body)["size"] == 3


def test_a_streamed_body_over_the_limit(start_app: Callable[..., Any]) -> None:
    host = start_app("streaming", env={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(2 * MIB)})
    with socket.create_connection(("127.0.0.1", host.port), timeout=30) as s:
        s.sendall(head("/api/upload", "Transfer-Encoding: chunked"))
        for _ in range(3):
            s.sendall(chunk(b"x" * MIB))
        s.sendall(b"0\r\n\r\n")
        assert read_until(s, b"\r\n\r\n").startswith(b"HTTP/1.1 413")
    assert host.request("POST", "/api/upload", b"x" * (3 * MIB)).status == 413
    assert json.loads(host.request("POST", "/api/upload", b"abc").body)["size"] == 3


def test_a_reader_that_stops_holds_up_nobody_else(streaming: Any) -> None:
    with socket.create_connection(("127.0.0.1", streaming.port), timeout=30) as s:
        s.sendall(b"GET /api/big/64 HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(1000)  # and no more for now
        (worker,) = streaming.worker_pids()
        time.sleep(0.5)
        before = high_water(streaming.process.pid)
        assert streaming.get("/api/big/4").body == b"x" * (4 * MIB)
        assert high_water(streaming.process.pid) - before < 16 * MIB
        got = 0
        while got < 64 * MIB:
            piece = s.recv(MIB)
            assert piece
            got += len(piece)


# -- functions that get their body whole ------------------------------------------------------------------


@pytest.mark.figures
def test_a_long_body_passes_through_the_host_in_pieces(start_app: Callable[..., Any]) -> None:
    host = start_app("routes")
    body = b"0123456789abcdef" * (100 * MIB // 16)
    want = f"{len(body)} {hashlib.sha256(body).hexdigest()}"
    assert host.request("PUT", "/api/digest", b"x").status == 200
    forget_high_water(host.process.pid)
    before = high_water(host.process.pid)
    answers = []
    clients = [
        threading.Thread(
            target=lambda: answers.append(
                host.request("PUT", "/api/digest", body, timeout=100).text
            )
        )
        for _ in range(2)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert answers == [want, want]
    assert high_water(host.process.pid) - before < 8 * MIB

"""The socket: whole frames, frames byte by byte, and everything that is not a frame."""

import json
import os
import random
import signal
import socket
import struct
import threading
import time
from typing import Any, Callable, Tuple

import pytest


@pytest.fixture
def pair(worker_module: Callable[[str], Any]) -> Any:
    ours, theirs = socket.socketpair()
    channel = worker_module("frames").Channel(theirs)
    ours.settimeout(10)
    yield ours, channel
    ours.close()
    channel.close()


def frame(kind: bytes, text: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">IcI", 5 + len(text) + len(payload), kind, len(text)) + text + payload


def read_all(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def read_frame(sock: socket.socket) -> Tuple[bytes, Any, bytes]:
    length, kind, size = struct.unpack(">IcI", read_all(sock, 9))
    return kind, json.loads(read_all(sock, size)), read_all(sock, length - 5 - size)


def test_a_frame_arrives_as_it_was_sent(pair: Any) -> None:
    ours, channel = pair
    channel.send("L", {"a": "ä\u2028", "n": 1.5}, (b"one", memoryview(b"two")))
    assert read_frame(ours) == (b"L", {"a": "ä\u2028", "n": 1.5}, b"onetwo")


def test_lone_surrogates_do_not_leave(pair: Any) -> None:
    ours, channel = pair
    channel.send("L", {"a": "x\ud800y"})
    assert read_frame(ours)[1] == {"a": "x?y"}


def test_frames_byte_by_byte(pair: Any) -> None:
    ours, channel = pair
    data = frame(b"p", b'{"seq":1}') + frame(b"v", b'{"id":"x"}', b"body") + frame(b"x", b"{}")

    def drip() -> None:
        for n in range(len(data)):
            ours.sendall(data[n : n + 1])

    threading.Thread(target=drip).start()
    assert channel.recv() == ("p", {"seq": 1}, b"")
    assert channel.recv() == ("v", {"id": "x"}, b"body")
    assert channel.recv() == ("x", {}, b"")


def test_random_splits(pair: Any) -> None:
    ours, channel = pair
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    sent = [({"n": n}, os.urandom(rng.randrange(300))) for n in range(200)]
    data = b"".join(frame(b"b", json.dumps(body).encode(), payload) for body, payload in sent)

    def split() -> None:
        at = 0
        while at < len(data):
            size = rng.randrange(1, 400)
            ours.sendall(data[at : at + size])
            at += size

    threading.Thread(target=split).start()
    assert [channel.recv()[1:] for _ in sent] == sent


def test_the_largest_frame(pair: Any, worker_module: Callable[[str], Any]) -> None:
    ours, channel = pair
    payload = os.urandom(worker_module("frames").MAX_FRAME - 5 - 2)
    threading.Thread(target=lambda: ours.sendall(frame(b"b", b"{}", payload))).start()
    kind, body, got = channel.recv()
    assert (kind, body) == ("b", {})
    assert got == payload


def test_end_of_stream_between_frames(pair: Any) -> None:
    ours, channel = pair
    ours.sendall(frame(b"p", b"{}"))
    ours.shutdown(socket.SHUT_WR)
    assert channel.recv() is not None
    assert channel.recv() is None


BAD = {
    "length below the head": struct.pack(">IcI", 4, b"p", 0),
    "length zero": struct.pack(">IcI", 0, b"p", 0),
    "length over the limit": struct.pack(">IcI", (8 << 20) + 1, b"p", 2),
    "length of four billion": b"\xff" * 9,
    "JSON longer than the frame": struct.pack(">IcI", 7, b"p", 3) + b"{}",
    "type that is no letter": frame(b"\x00", b"{}"),
    "JSON is not JSON": frame(b"p", b"{"),
    "JSON is empty": frame(b"p", b""),
    "JSON is a list": frame(b"p", b"[1]"),
    "JSON is not UTF-8": frame(b"p", b'{"a":"\xff\xfe"}'),
    "JSON nests too deep": frame(b"p", b'{"a":' + b"[" * 200000 + b"]" * 200000 + b"}"),
    "end inside the head": frame(b"p", b"{}")[:5],
    "end inside the JSON": frame(b"p", b'{"seq":1}')[:12],
    "end inside the payload": frame(b"p", b"{}", b"abc")[:-1],
}


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_not_a_frame_is_refused(
    pair: Any, worker_module: Callable[[str], Any], name: str
) -> None:
    ours, channel = pair
    sender = threading.Thread(
        target=lambda: (ours.sendall(BAD[name]), ours.shutdown(socket.SHUT_WR))
    )
    sender.start()
    with pytest.raises(worker_module("frames").ProtocolError):
        channel.recv()
    sender.join()


def test_a_frame_over_the_limit_is_not_sent(pair: Any, worker_module: Callable[[str], Any]) -> None:
    ours, channel = pair
    with pytest.raises(ValueError, match="over the limit"):
        channel.send("B", {}, (b"x" * worker_module("frames").MAX_FRAME,))
    channel.send("P", {})
    assert read_frame(ours)[0] == b"P"


def test_sends_of_many_threads_do_not_mix(pair: Any) -> None:
    ours, channel = pair

    def send(who: int) -> None:
        for n in range(50):
            channel.send("L", {"who": who, "n": n}, (bytes([who]) * (n * 200),))

    threads = [threading.Thread(target=send, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    seen = {who: 0 for who in range(8)}
    for _ in range(400):
        _, body, payload = read_frame(ours)
        assert body["n"] == seen[body["who"]]
        assert payload == bytes([body["who"]]) * (body["n"] * 200)
        seen[body["who"]] += 1
    for thread in threads:
        thread.join()


def test_a_signal_handler_may_send_inside_a_send(pair: Any) -> None:
    """As a __del__ may that logs: the frame goes behind the one under way."""
    ours, channel = pair
    fired = []

    def handler(*_: object) -> None:
        fired.append(1)
        channel.send("L", {"from": "handler"})

    before = signal.signal(signal.SIGALRM, handler)
    try:
        payload = b"x" * (4 << 20)  # fills the socket's buffer, so that the send blocks
        received = []

        def read() -> None:
            while not fired:
                time.sleep(0.01)
            received.extend([read_frame(ours), read_frame(ours)])

        reader = threading.Thread(target=read)
        reader.start()
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        channel.send("B", {"from": "main"}, (payload,))
        reader.join(10)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [r[0] for r in received] == [b"B", b"L"]
    assert received[0][2] == payload


def test_a_forked_child_sends_nothing(pair: Any) -> None:
    ours, channel = pair
    child = os.fork()
    if child == 0:
        channel.send("L", {"from": "child"})
        os._exit(7 if channel.dead else 1)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
    channel.send("L", {"from": "parent"})
    assert read_frame(ours)[1] == {"from": "parent"}


def test_sending_to_a_host_that_is_gone_is_silent(pair: Any) -> None:
    ours, channel = pair
    ours.close()
    channel.send("L", {})
    channel.send("L", {})
    assert channel.dead

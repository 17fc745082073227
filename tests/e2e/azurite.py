"""Azurite, the storage emulator, for tests: started on free ports, and asked by a client of our own.

The client signs its requests with Python's hmac; what our C signs, Azurite itself checks."""

import base64
import email.utils
import hashlib
import hmac
import http.client
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple
from xml.etree import ElementTree

import pytest
from apphost import free_port

FOLDER = Path(__file__).resolve().parents[2] / "build" / "azurite"
SCRIPT = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Message(NamedTuple):
    id: str
    text: str  # as kept
    dequeue_count: int
    receipt: str

    @property
    def decoded(self) -> str:
        return base64.b64decode(self.text).decode()


def signature(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], length: int
) -> str:
    """The Authorization header's value, as the service's documents tell it."""
    lines = [method, "", "", str(length) if length else "", "", headers.get("content-type", "")]
    lines += ["", "", headers.get("if-match", ""), headers.get("if-none-match", ""), "", ""]
    lines += [f"{k}:{v}" for k, v in sorted(headers.items()) if k.startswith("x-ms-")]
    text = "\n".join(lines) + f"\n/{ACCOUNT}{path}"
    text += "".join(f"\n{k}:{v}" for k, v in sorted(query.items()))
    mac = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    return f"SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}"


class Azurite:
    def __init__(self, folder: Path, address: str = "127.0.0.1", usual: bool = False) -> None:
        """usual: on the ports that everybody knows, at an address of loopback that nobody else has."""
        if shutil.which("node") is None or not SCRIPT.exists():
            pytest.skip("Azurite is not installed here: make build/.azurite needs node and npm")
        self.folder = folder
        self.address = address
        self.ports = {
            "blob": 10000 if usual else free_port(),
            "queue": 10001 if usual else free_port(),
        }
        self.process: Optional[subprocess.Popen[bytes]] = None

    @property
    def connection(self) -> str:
        """An ordinary connection string."""
        ends = "".join(
            f"{k.capitalize()}Endpoint=http://{self.address}:{p}/{ACCOUNT};"
            for k, p in self.ports.items()
        )
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{ends}"

    def start(self) -> "Azurite":
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            ["node", str(SCRIPT), "--location", str(self.folder), "--silent", "--disableTelemetry"]
            + ["--blobPort", str(self.ports["blob"]), "--queuePort", str(self.ports["queue"])]
            + ["--blobHost", self.address, "--queueHost", self.address]
            + ["--tablePort", str(free_port())],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        seen: List[bytes] = []
        ready = threading.Event()

        def read(stream: Any) -> None:
            for line in stream:
                seen.append(line)
                if sum(b"successfully listening" in s for s in seen) == 3:
                    ready.set()
            ready.set()

        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        assert ready.wait(60), b"".join(seen)
        assert self.process.poll() is None, b"".join(seen)
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        body: bytes = b"",
        headers: Optional[Mapping[str, str]] = None,
    ) -> Tuple[int, Dict[str, str], bytes]:
        full = f"/{ACCOUNT}/{urllib.parse.quote(path)}"
        sent = {"x-ms-version": "2020-10-02", "x-ms-date": email.utils.formatdate(usegmt=True)}
        sent.update(headers or {})
        sent["Authorization"] = signature(method, full, query or {}, sent, len(body))
        url = full + ("?" + urllib.parse.urlencode(query) if query else "")
        connection = http.client.HTTPConnection(self.address, self.ports[service], timeout=30)
        try:
            connection.request(method, url, body or None, sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    # queues

    def make_queue(self, name: str) -> None:
        assert self.ask("queue", "PUT", name)[0] in (201, 204)

    def put(self, queue: str, text: str, raw: bool = False) -> None:
        """A message, base64 as the services keep it; raw: as it is."""
        kept = text if raw else base64.b64encode(text.encode()).decode()
        body = f"<QueueMessage><MessageText>{kept}</MessageText></QueueMessage>".encode()
        typed = {"content-type": "application/xml"}
        status = self.ask("queue", "POST", f"{queue}/messages", None, body, typed)[0]
        if status == 404:
            self.make_queue(queue)
            status = self.ask("queue", "POST", f"{queue}/messages", None, body, typed)[0]
        assert status == 201

    def peek(self, queue: str) -> List[Message]:
        """The messages that can be seen, left where they are; none where there is no queue."""
        query = {"peekonly": "true", "numofmessages": "32"}
        return self._messages(self.ask("queue", "GET", f"{queue}/messages", query))

    def _messages(self, answer: Tuple[int, Dict[str, str], bytes]) -> List[Message]:
        if answer[0] == 404:
            return []
        assert answer[0] == 200, answer
        return [
            Message(
                m.findtext("MessageId", ""),
                m.findtext("MessageText", ""),
                int(m.findtext("DequeueCount", "0")),
                m.findtext("PopReceipt", ""),
            )
            for m in ElementTree.fromstring(answer[2]).iter("QueueMessage")
        ]

    def count(self, queue: str) -> int:
        """All messages, hidden ones too."""
        headers = self.ask("queue", "GET", queue, {"comp": "metadata"})[1]
        return int(headers.get("x-ms-approximate-messages-count", "0"))

    # blobs

    def make_container(self, name: str) -> None:
        assert self.ask("blob", "PUT", name, {"restype": "container"})[0] in (201, 409)

    def put_blob(self, path: str, data: bytes, **metadata: str) -> None:
        headers = {"x-ms-blob-type": "BlockBlob", "content-type": "text/plain"}
        headers.update({f"x-ms-meta-{k}": v for k, v in metadata.items()})
        status, _, answer = self.ask("blob", "PUT", path, None, data, headers)
        assert status == 201, answer

    def blob(self, path: str) -> Optional[bytes]:
        status, _, data = self.ask("blob", "GET", path)
        assert status in (200, 404), data
        return data if status == 200 else None

    def names(self, container: str) -> List[str]:
        query = {"restype": "container", "comp": "list"}
        status, _, answer = self.ask("blob", "GET", container, query)
        return re.findall(r"<Name>([^<]*)</Name>", answer.decode()) if status == 200 else []


def until(what: Callable[[], Any], timeout: float = 60) -> Any:
    """What it answers, once that is true."""
    end = time.monotonic() + timeout
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            assert answer, "it did not come to pass"
            return answer
        time.sleep(0.05)


def settings(**values: str) -> str:
    """A local.settings.json."""
    return json.dumps(
        {"IsEncrypted": False, "Values": {"FUNCTIONS_WORKER_RUNTIME": "python", **values}}
    )

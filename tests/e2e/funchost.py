"""A running `memline func start` for tests: its output line by line, requests to it, its end."""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple, Union

STAMP = re.compile(r"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] ")
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Answer = Tuple[int, Dict[str, str], bytes]


def environment(home: Path, **extra: str) -> Dict[str, str]:
    """A quiet environment in which the interpreter under test is the active one."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("MEMLINE", "PYTHON", "FUNCTIONS", "AzureWebJobs", "APP", "languageW")
        )
    }
    kept.update(NO_COLOR="1", HOME=str(home), XDG_STATE_HOME=str(home / "state"), **extra)
    kept.setdefault("VIRTUAL_ENV", sys.prefix)
    return kept


class Host:
    """`with Host(program, root) as host`: started and listed on entry, gone on exit."""

    def __init__(
        self,
        program: str,
        root: Path,
        *arguments: str,
        env: Optional[Mapping[str, str]] = None,
        wait: bool = True,
    ) -> None:
        self.root = root
        self.lines: List[str] = []
        self._wait = wait
        self._changed = threading.Condition()
        home = root.parent / "home"
        home.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [program, "func", "start", "--port", "0", *arguments],
            cwd=str(root),
            env={**environment(home), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def __enter__(self) -> "Host":
        match = self.line(r"Listening on (https?)://localhost:(\d+)")
        self.scheme, self.port = match.group(1), int(match.group(2))
        if self._wait:
            self.line("Worker process started and initialized")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError("the host did not end:\n" + self.text()) from None
        self.process.wait()
        self._reader.join(5)

    def text(self) -> str:
        """Everything printed so far."""
        with self._changed:
            return "\n".join(self.lines)

    def plain(self) -> str:
        """The same without time stamps."""
        return "\n".join(STAMP.sub("", line) for line in self.text().split("\n"))

    def line(self, pattern: str, timeout: float = 30, after: int = 0) -> "re.Match[str]":
        """Wait for a line; `after`: how many lines to pass over."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                for text in self.lines[after:]:
                    found = re.search(pattern, text)
                    if found:
                        return found
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(f"no line {pattern!r} in:\n" + "\n".join(self.lines))
                self._changed.wait(min(left, 0.5))

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Union[bytes, str, None] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = 30,
    ) -> Answer:
        """Status, headers (lower-case names; the last of a name), body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if self.scheme == "https":
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=timeout, context=ssl._create_unverified_context()
            )
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def workers(self) -> List[int]:
        """The process ids of the workers."""
        return [w["pid"] for w in json.loads(self.ask("/admin/host/processes")[2])["workers"]]


def write_app(root: Path, files: Mapping[str, str]) -> Path:
    """A project: host.json if none is given, and the files."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in {"host.json": '{"version":"2.0"}', **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root

"""`memline serve` as a running server, and the store behind it."""

import json
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple


class Server:
    """A server on a free port of 127.0.0.1 over the store at path."""

    def __init__(
        self, program: str, store: Path, *options: str, env: Optional[Dict[str, str]] = None
    ):
        self.store = store
        self.process = subprocess.Popen(
            [program, "serve", "--store", str(store), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=env,
        )
        assert self.process.stdout is not None
        watchdog = threading.Timer(20, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        found = re.search(r"at (https?)://(\S+):(\d+)$", line.strip())
        if found is None:
            self.process.kill()
            raise AssertionError(f"no address in {line!r}: {self.process.communicate()[1]}")
        self.scheme = found.group(1)
        self.port = int(found.group(3))
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        headers: Optional[Dict[str, str]] = None,
        timeout: float = 30,
    ) -> Tuple[int, Any, Dict[str, str]]:
        """Status, JSON (or text) and headers of a GET, or of a POST when there is a body."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers or {})
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                status, text, got = reply.status, reply.read().decode(), dict(reply.headers)
        except urllib.error.HTTPError as error:
            status, text, got = error.code, error.read().decode(), dict(error.headers)
        kind = got.get("Content-Type", "")
        return status, json.loads(text) if kind.startswith("application/json") else text, got

    def rows(self, query: str) -> List[List[Any]]:
        """The rows of a query, by the Application Insights endpoint."""
        status, answer, _ = self.ask("/v1/apps/any/query", {"query": query})
        assert status == 200, answer
        return list(answer["tables"][0]["rows"])

    def stop(self, how: int = signal.SIGINT) -> int:
        """End it; its exit status."""
        self.process.send_signal(how)
        try:
            _, errors = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert how == signal.SIGKILL or "ERROR" not in errors, errors
        return self.process.returncode

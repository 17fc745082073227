"""`memline func start` as a user runs it: a process, its console, and requests to it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Pattern, Sequence, Union


class Response(NamedTuple):
    status: int
    headers: Dict[str, List[str]]  # names in lower case
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class AppHost:
    def __init__(
        self,
        program: str,
        root: Path,
        python: str,
        arguments: Sequence[str] = (),
        env: Optional[Mapping[str, str]] = None,
        command: Sequence[str] = ("func", "start"),
    ) -> None:
        self.port = free_port()
        venv = Path(python).parent.parent
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("PYTHON", "MEMLINE", "APPLICATIONINSIGHTS"))
        }
        environment = {
            **kept,
            **{k: os.environ[k] for k in ("MEMLINE_WORKER_DIR",) if k in os.environ},
            "VIRTUAL_ENV": str(venv),
            "PATH": f"{venv}/bin:{kept['PATH']}",
            "LC_ALL": "C.UTF-8",
            **(env or {}),
        }
        self.process = subprocess.Popen(
            [program, *command, "--port", str(self.port), *arguments],
            cwd=str(root),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.lines: List[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._more.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(
        self, pattern: Union[str, Pattern[str]], timeout: float = 30, count: int = 1
    ) -> List[str]:
        """The first lines (as many as count) in which the pattern is found, waiting for them."""
        search = re.compile(pattern).search
        deadline = time.monotonic() + timeout
        with self._more:
            while True:
                found = [line for line in self.lines if search(line)]
                if len(found) >= count:
                    return found[:count]
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not self._reader.is_alive()
                if left <= 0 or ended:
                    raise AssertionError(f"{search.__self__.pattern!r} did not come\n{self.output}")
                self._more.wait(min(left, 0.2))

    def messages(self) -> List[str]:
        """The console's log lines without their time."""
        return [re.sub(r"^\[[^\]]*\] ", "", line) for line in self.lines if line.startswith("[")]

    def request(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = 30,
        **more: Any,
    ) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}), **more)
            answer = connection.getresponse()
            named: Dict[str, List[str]] = {}
            for name, value in answer.getheaders():
                named.setdefault(name.lower(), []).append(value)
            return Response(answer.status, named, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Response:
        return self.request("GET", path, **more)

    def worker_pids(self) -> List[int]:
        """Children of the host, from the kernel's list."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def stop(self, timeout: float = 15) -> int:
        """As Ctrl-C does; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {timeout} s after SIGINT\n{self.output}") from None
        finally:
            self._reader.join(5)
            assert self.process.stdout is not None
            self.process.stdout.close()
        return code

"""Under load and out of room: nothing acknowledged is lost, nothing leaks, nobody else is harmed."""

import concurrent.futures
import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

import pytest
from funchost import Host, write_app

needs_library = pytest.importorskip("azure.functions", reason="azure-functions is not installed")

MIB = 1 << 20
APP = """
import logging, os, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params.get("s", "0")))
    return func.HttpResponse("hello")

@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body())

@app.route(route="take/{mib:int}")
def take(req: func.HttpRequest) -> func.HttpResponse:
    held = [b"x" * (1 << 20) for _ in range(int(req.route_params["mib"]))]
    return func.HttpResponse(str(len(held)))

@app.route(route="die")
def die(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(200)

@app.route(route="files/{*rest}")
def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params["rest"])

@app.route(route="inject")
def inject(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"X-A": "a\\r\\nX-Evil: 1", "X-B": "fine"})

@app.route(route="blocks")
async def blocks(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(6)  # the event loop, not a thread
    return func.HttpResponse("woke")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", {"function_app.py": APP})


def sh(program: str, root: Path, *words: str) -> str:
    return subprocess.run(
        [program, *words], cwd=str(root), check=True, capture_output=True, encoding="utf-8"
    ).stdout


def rows(program: str, root: Path, query: str) -> List[List[str]]:
    text = sh(program, root, "query", "--format", "csv", query)
    return [line.split(",") for line in text.splitlines()[1:]]


class Load:
    """Clients that ask as fast as they are answered, until told to stop; what they got."""

    def __init__(self, host: Host, path: str, clients: int) -> None:
        self.statuses: List[int] = []
        self.broken = 0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(host.port, path)) for _ in range(clients)
        ]
        for t in self._threads:
            t.start()

    def _ask(self, port: int, path: str) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                while not self._stop.is_set():
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                    self.statuses.append(answer.status)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                time.sleep(0.01)
            finally:
                connection.close()

    def stop(self) -> None:
        self._stop.set()
        for t in self._threads:
            t.join()


def test_sigterm_under_load_loses_nothing_that_was_acknowledged(program: str, app: Path) -> None:
    with Host(program, app) as host:
        load = Load(host, "/api/hello?s=0.02", 8)
        while len(load.statuses) < 200:
            time.sleep(0.05)
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(20) == 0
        load.stop()
    acknowledged = load.statuses.count(200)
    assert set(load.statuses) <= {200, 503}
    (kept,) = rows(program, app, "requests | where success == 'True' | count")
    (logged,) = rows(program, app, "traces | where message startswith 'Executed' | count")
    assert int(kept[0]) >= acknowledged
    assert int(logged[0]) >= acknowledged


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid: int) -> List[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_nothing_leaks(program: str, app: Path) -> None:
    """Descriptors and processes after requests, deaths, reloads and clients that leave."""
    with Host(program, app) as host:

        def stir() -> None:
            load = Load(host, "/api/hello", 6)
            while len(load.statuses) < 300:
                time.sleep(0.02)
            load.stop()
            host.ask("/api/echo", "POST", b"x" * (3 * MIB))
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", host.port)) as s:
                    s.sendall(b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx")
            assert host.ask("/api/die")[0] == 500
            assert host.ask("/api/hello")[0] == 200
            before = len(host.lines)
            (app / "function_app.py").write_text(APP + f"\n# {time.monotonic()}\n")
            host.line("Worker process started and initialized.", after=before)
            assert host.ask("/api/hello")[0] == 200

        def settled() -> Tuple[int, int]:
            """What is left when nothing goes on any more: the least of some readings."""
            end, least = time.monotonic() + 3, (1 << 30, 1 << 30)
            while time.monotonic() < end:
                now = descriptors(host.process.pid), len(children(host.process.pid))
                least = min(least, now)
                time.sleep(0.1)
            return least

        stir()
        first = settled()
        for _ in range(2):
            stir()
        assert settled() <= first
        assert first[1] == 1, "one worker"
        worker = host.workers()[0]
    assert not os.path.exists(f"/proc/{worker}")


def test_slow_loris_holds_up_nobody(program: str, app: Path) -> None:
    with Host(program, app) as host:
        host.ask("/api/hello")
        slow = [socket.create_connection(("127.0.0.1", host.port)) for _ in range(300)]
        for i, s in enumerate(slow):
            s.sendall(b"POST /api/echo HTTP/1.1\r\nHost: x\r\nX-Slow: "[: 20 + i % 30])
        for _ in range(5):
            for s in slow:
                s.sendall(b"a")
            assert host.ask("/api/hello")[2] == b"hello"
        for s in slow:
            s.close()
        assert host.ask("/api/hello")[2] == b"hello"


def raw(host: Host, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", host.port), timeout=30) as s:
        s.sendall(data)
        got = b""
        try:
            s.shutdown(socket.SHUT_WR)
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        except OSError:  # it was answered and closed before all was sent
            pass
        return got


def test_what_is_too_large_or_wrong(program: str, app: Path) -> None:
    with Host(program, app, env={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(MIB)}) as host:
        get = "GET /api/hello HTTP/1.1\r\nHost: x\r\n"
        assert raw(host, f"{get}X-Long: {'a' * 40000}\r\n\r\n".encode()).startswith(b"HTTP/1.1 431")
        many = "".join(f"X-{i}: {'a' * 300}\r\n" for i in range(115))
        assert raw(host, f"{get}{many}\r\n".encode()).startswith(b"HTTP/1.1 431")
        assert host.ask("/api/echo", "POST", b"x" * (MIB + 1))[0] == 413
        assert host.ask("/api/echo", "POST", b"x" * MIB)[2] == b"x" * MIB
        chunks = b"".join(b"40000\r\n" + b"x" * 0x40000 + b"\r\n" for _ in range(5)) + b"0\r\n\r\n"
        head = b"POST /api/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert raw(host, head + chunks).startswith(b"HTTP/1.1 413")
        assert raw(host, head + b"xyz\r\n").startswith(b"HTTP/1.1 400")
        assert raw(host, b"GET /api/hello HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
        # Two lengths, or a length and chunks: nobody may read them in two ways.
        for fields in ("Content-Length: 2", "Transfer-Encoding: chunked"):
            two = f"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n{fields}\r\n\r\nab"
            assert raw(host, two.encode()).startswith(b"HTTP/1.1 400")
        status, headers, _ = host.ask("/api/inject")
        assert status in (
            200,
            500,
        )  # some releases of the library refuse such a value, others pass it on
        assert "x-evil" not in headers
        assert host.ask("/api/hello")[2] == b"hello"


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/admin/functions/..%2f..%2fhost.json",
        "/admin/../local.settings.json",
        "/local.settings.json",
        "/.memline/keys.json",
        "/api/../host.json",
    ],
)
def test_no_path_leads_to_a_file(shared_host: Host, path: str) -> None:
    status, _, body = shared_host.ask(path)
    assert status == 404
    assert b"root:" not in body
    assert b"version" not in body


def test_a_path_is_just_text_to_a_function(shared_host: Host) -> None:
    assert shared_host.ask("/api/files/../../etc/passwd")[2] == b"../../etc/passwd"


@pytest.fixture(scope="module")
def shared_host(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    root = write_app(tmp_path_factory.mktemp("load") / "app", {"function_app.py": APP})
    with Host(program, root) as host:
        yield host


# -- out of room -----------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """small_disk(MiB): a file system of that size, where one may be mounted."""
    mounted: List[Path] = []

    def mount(mib: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)]
        if subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("no file system may be mounted here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_for_the_store(
    program: str, app: Path, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(3)
    with Host(program, app, env={"MEMLINE_STORE": str(disk / "store.db")}) as host:
        assert host.ask("/api/hello")[0] == 200
        with open(disk / "filler", "wb") as filler:
            try:
                while filler.write(b"x" * 65536):
                    filler.flush()
            except OSError:
                pass
        deadline = time.monotonic() + 60
        while "Records cannot be kept" not in host.text() and time.monotonic() < deadline:
            assert host.ask("/api/hello")[0] == 200
        host.line("Records cannot be kept: .*full")
        assert host.ask("/api/hello")[0] == 200
        assert host.text().count("Records cannot be kept") == 1


def test_a_full_disk_for_bodies(program: str, app: Path, small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(2)
    with Host(program, app, env={"TMPDIR": str(disk)}) as host:
        assert host.ask("/api/echo", "POST", b"x" * (4 * MIB))[0] == 500
        assert host.ask("/api/echo", "POST", b"x" * MIB)[2] == b"x" * MIB
        assert not list(disk.iterdir())


class Group:
    """A control group with a limit of memory, of version 1 or 2, where one may be made."""

    def __init__(self, limit: int) -> None:
        name = f"memline-test-{os.getpid()}"
        old = Path("/sys/fs/cgroup/memory")
        self.path = (old if old.is_dir() else Path("/sys/fs/cgroup")) / name
        try:
            self.path.mkdir()
            limits = (
                ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
                if old.is_dir()
                else ("memory.max", "memory.swap.max")
            )
            (self.path / limits[0]).write_text(str(limit))
            if (self.path / limits[1]).exists():
                (self.path / limits[1]).write_text(str(limit if old.is_dir() else 0))
        except OSError as e:
            self.remove()
            pytest.skip(f"no control group may be made here: {e}")

    def remove(self) -> None:
        deadline = time.monotonic() + 10
        while self.path.exists() and time.monotonic() < deadline:
            try:
                self.path.rmdir()
            except OSError:
                time.sleep(0.1)


@pytest.fixture
def group() -> Iterator[Group]:
    made = Group(160 * MIB)
    yield made
    made.remove()


def test_the_kernels_out_of_memory(program: str, app: Path, group: Group, tmp_path: Path) -> None:
    # The host moves itself into the group before it is the host.
    wrapper = tmp_path / "in_group"
    wrapper.write_text(f'#!/bin/sh\necho $$ > {group.path}/cgroup.procs\nexec {program} "$@"\n')
    wrapper.chmod(0o755)
    with Host(str(wrapper), app) as host:
        assert host.ask("/api/take/10")[2] == b"10"
        (old,) = host.workers()
        assert host.ask("/api/take/1000", timeout=60)[::2] == (500, b"")
        host.line(rf"Language Worker Process exited. Pid={old}\.")
        host.line(r"out of memory \(kernel\)")
        host.line(r"Executed 'Functions.take' \(Failed")
        assert host.ask("/api/take/10")[2] == b"10"


# -- hanging -----------------------------------------------------------------------------------------------


def test_a_worker_that_hangs_is_told_with_its_stacks(program: str, tmp_path: Path) -> None:
    root = write_app(
        tmp_path / "app",
        {
            "function_app.py": APP,
            "host.json": '{"version":"2.0","memline":{"hangSeconds":2}}',
        },
    )
    with Host(program, root) as host, concurrent.futures.ThreadPoolExecutor(1) as pool:
        (worker,) = host.workers()
        waiting = pool.submit(host.ask, "/api/blocks")
        host.line(rf"The worker \(pid {worker}\) has not answered for 2 s")
        host.line(r'File ".*function_app.py", line \d+ in blocks')
        assert waiting.result()[2] == b"woke"  # it was left alone
        assert host.workers() == [worker]
        assert len(re.findall("has not answered", host.text())) == 1


def test_two_workers_serve_two_blocking_requests(program: str, app: Path) -> None:
    env: Dict[str, str] = {
        "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
        "PYTHON_THREADPOOL_THREAD_COUNT": "1",
    }
    with Host(program, app, env=env) as host, concurrent.futures.ThreadPoolExecutor(2) as pool:
        deadline = time.monotonic() + 30
        while len(host.workers()) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        host.ask("/api/hello"), host.ask("/api/hello")  # both are up
        both = [pool.submit(host.ask, "/api/hello?s=3") for _ in range(2)]
        # While the first runs, the second begins: with one worker of one thread it could not.
        assert [b.result()[2] for b in both] == [b"hello"] * 2
    text = host.plain()
    last = [
        line.split("'")[0]
        for line in text.splitlines()
        if line.startswith(("Executing 'Functions.hello'", "Executed 'Functions.hello'"))
    ][-4:]
    assert last == ["Executing ", "Executing ", "Executed ", "Executed "]

"""End to end: the program, environments for apps, a page and an ingestion endpoint on loopback."""

import gzip
import importlib.util
import json
import os
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = Path(__file__).resolve().parent / "apps"


def _load(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, str(path))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


environments = _load("environments", ROOT / "tests" / "environments.py")
_load("funchost", Path(__file__).with_name("funchost.py"))
apphost = _load("apphost", Path(__file__).with_name("apphost.py"))
e2e_apps = _load("e2e_apps", Path(__file__).with_name("e2e_apps.py"))
_load("clickhouses", ROOT / "tests" / "kql" / "clickhouses.py")
_load("azurite", Path(__file__).with_name("azurite.py"))
serving = _load("serving", Path(__file__).with_name("serving.py"))


def pytest_collection_modifyitems(items: List[Any]) -> None:
    environments.leave_out_of_timeouts(items, Path(__file__).parent)


@pytest.fixture(scope="session")
def memline_program() -> str:
    """$MEMLINE_PROGRAM, else build/memline."""
    path = os.environ.get("MEMLINE_PROGRAM") or str(ROOT / "build" / "memline")
    assert os.access(path, os.X_OK), f"no program at {path}: run `make build`"
    return path


@pytest.fixture
def start_app(memline_program: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """start_app("routes", *arguments, env=): a copy of tests/e2e/apps/routes, started and ready."""
    hosts: List[Any] = []

    def start(
        name: str, *arguments: str, ready: bool = True, replace: Any = (), **options: Any
    ) -> Any:
        root = tmp_path / name
        shutil.copytree(str(APPS / name), str(root))
        for old, new in replace:
            for file in root.rglob("*.py"):
                file.write_text(file.read_text().replace(old, new))
        python = options.pop("python", None) or e2e_apps.python_for(
            (root / "requirements.txt").read_text().split()
        )
        host = apphost.AppHost(memline_program, root, python, arguments, **options)
        host.root = root
        hosts.append(host)
        if ready:
            host.wait_for("For detailed output")
        return host

    yield start
    for host in hosts:
        if host.process.poll() is None:
            host.stop()


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    page = b"<html>" + b"a page " * 100_000 + b"</html>"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves on loopback while the test runs."""

    daemon_threads = True

    def __init__(self, handler: Any) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.received: List[Dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


@pytest.fixture(scope="session")
def page() -> Iterator[Server]:
    """A page of about 700 KB."""
    server = Server(_Page)
    yield server
    server.shutdown()
    server.server_close()


class _Ingestion(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        text = data.decode()
        items = (
            json.loads(text)
            if text.startswith("[")
            else [json.loads(line) for line in text.splitlines()]
        )
        self.server.received.extend(items)  # type: ignore[attr-defined]
        answer = json.dumps(
            {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def ingestion() -> Iterator[Server]:
    """An endpoint that takes what Application Insights clients send."""
    server = Server(_Ingestion)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(memline_program: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """serve(*options): `memline serve` over tmp_path/store.db on a free port, stopped at the end."""
    servers: List[Any] = []

    def start(*options: str, store: str = "store.db") -> Any:
        servers.append(serving.Server(memline_program, tmp_path / store, *options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            assert server.stop() == 0


@pytest.fixture(scope="session")
def kqlmagic() -> str:
    """An interpreter with Kqlmagic, which brings half of Jupyter; it does not know the newest prettytable."""
    if Path(sys.prefix) != ROOT / ".venv" and "MEMLINE_CLIENTS" not in os.environ:
        pytest.skip("clients of Azure are tried with the everyday interpreter only")
    return str(
        environments.environment("kqlmagic", ["Kqlmagic==0.1.114.post26", "prettytable<3.12"])
    )


@pytest.fixture(scope="session")
def azure_clients() -> str:
    """An interpreter with the clients that people point at Azure. One Python is enough: what is under
    test is the other end of the wire."""
    if Path(sys.prefix) != ROOT / ".venv" and "MEMLINE_CLIENTS" not in os.environ:
        pytest.skip("clients of Azure are tried with the everyday interpreter only")
    return str(
        environments.environment(
            "azure-clients",
            [
                "azure-kusto-data",
                "azure-monitor-query",
                "azure-monitor-opentelemetry-exporter",
                "opencensus-ext-azure",
                "pandas",
            ],
        )
    )

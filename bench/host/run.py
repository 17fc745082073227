"""The Functions host under load: what it costs over the same handler called in the worker.

run.py --program build/memline [--python PYTHON] [--seconds 5] [--requests 50000]

Prints one table. Each figure names its unit; requests go to loopback only. The interpreter needs
azure-functions; `wrk` measures, and its latency figures are the client's.
"""

import argparse
import asyncio
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple

APP = """
import asyncio, time
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

def handler(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")

@app.route(route="hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return handler(req)

@app.route(route="inside")
def inside(req: func.HttpRequest) -> func.HttpResponse:
    took = []
    for _ in range(2000):
        begin = time.perf_counter_ns()
        handler(req).get_body()
        took.append(time.perf_counter_ns() - begin)
    took.sort()
    return func.HttpResponse("%d %d" % (took[1000], took[1980]))

@app.route(route="slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(1)
    return func.HttpResponse("slept")
"""


class Host:
    """`memline func start`, from its start to its end, with everything it tells at its defaults."""

    def __init__(self, program: str, root: Path, python: str, *options: str) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = int(s.getsockname()[1])
        begin = time.perf_counter()
        with open(root / "console.txt", "wb") as console:
            self.process = subprocess.Popen(
                [program, "func", "start", "--port", str(self.port), *options],
                cwd=str(root),
                env={
                    **os.environ,
                    "languageWorkers__python__defaultExecutablePath": python,
                    "XDG_STATE_HOME": str(root / "state"),
                },
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        while True:  # it listens within some milliseconds; the request waits for the worker
            try:
                ask(self.port, "/api/hello")
                break
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise SystemExit((root / "console.txt").read_text()) from None
        self.first_answer = time.perf_counter() - begin

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def memory(self) -> Dict[str, float]:
        """MiB: all of the resident set, what is private in it, and the highest it was."""
        pid = self.process.pid
        smaps = Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {k: int(v) / 1024 for k, v in re.findall(r"^(\w+):\s+(\d+) kB", smaps, re.M)}
        high = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        assert high
        return {
            "rss": sizes["Rss"],
            "private": sizes["Private_Dirty"] + sizes["Private_Clean"],
            "high": int(high.group(1)) / 1024,
        }


def ask(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def latencies(port: int, path: str, n: int) -> List[float]:
    """Milliseconds of n requests on one kept connection, sorted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took = []
    for _ in range(n):
        begin = time.perf_counter()
        connection.request("GET", path)
        connection.getresponse().read()
        took.append((time.perf_counter() - begin) * 1e3)
    connection.close()
    return sorted(took)


def wrk(port: int, path: str, connections: int, seconds: int) -> Tuple[int, str]:
    """How many requests were answered, and a line that tells how."""
    out = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"),
            f"http://127.0.0.1:{port}{path}",
        ],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    count = re.search(r"(\d+) requests in", out)
    p50 = re.search(r"^\s+50%\s+(\S+)", out, re.M)
    p99 = re.search(r"^\s+99%\s+(\S+)", out, re.M)
    bad = re.search(r"Non-2xx.*|Socket errors.*", out)
    assert rate and count and p50 and p99
    text = f"{float(rate.group(1)):>7.0f} /s   p50 {p50.group(1):>8}   p99 {p99.group(1):>8}"
    return int(count.group(1)), text + (f"   {bad.group(0)}" if bad else "")


async def slow_requests(port: int, n: int) -> float:
    """Seconds until n requests of one second each, all at once, are answered."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = await reader.read()
        assert data.startswith(b"HTTP/1.1 200"), data[:100]
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(n)))
    return time.perf_counter() - begin


def print_load() -> None:
    print(
        "load of this machine          " + " ".join(f"{x:.1f}" for x in os.getloadavg()), flush=True
    )


def import_alone(python: str) -> float:
    """Seconds for what no app of this kind can do without, best of 3."""
    code = (
        "import time; b = time.perf_counter(); import azure.functions, asyncio, concurrent.futures;"
        " print(time.perf_counter() - b)"
    )
    return min(float(subprocess.check_output([python, "-c", code])) for _ in range(3))


def measure_start(a: argparse.Namespace, root: Path) -> None:
    firsts = []
    for _ in range(5):
        with Host(a.program, root, a.python) as host:
            firsts.append(host.first_answer)
    alone = import_alone(a.python)
    print(
        f"start to first answer         {min(firsts):.3f} s, median {sorted(firsts)[2]:.3f} s, of 5"
    )
    print(f"import azure.functions alone  {alone:.3f} s")


def measure_latency(port: int) -> None:
    p50, p99 = (int(x) / 1e6 for x in ask(port, "/api/inside").split())
    through = latencies(port, "/api/hello", 4000)
    bare = latencies(port, "/admin/host/ping", 4000)
    print(f"handler inside the worker     p50 {p50:.3f} ms   p99 {p99:.3f} ms")
    print(f"through host and worker       p50 {through[2000]:.3f} ms   p99 {through[3960]:.3f} ms")
    print(f"host and client alone (ping)  p50 {bare[2000]:.3f} ms   p99 {bare[3960]:.3f} ms")


def measure_memory(host: Host, requests: int, records: str) -> None:
    before, done = host.memory(), 0
    most = 0.0
    while done < requests:
        done += wrk(host.port, "/api/hello", 8, 5)[0]
        most = max(most, host.memory()["rss"])
    time.sleep(5)  # what is kept for the next moment is given back
    after = host.memory()
    print(
        f"host memory, records {records:<8} {before['rss']:.1f} MiB at first, {after['rss']:.1f} after {done} "
        f"requests (private {after['private']:.1f}); under load {most:.1f}, highest {after['high']:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=50000, help="for the memory figures")
    a = parser.parse_args()
    a.program, a.python = os.path.abspath(a.program), os.path.abspath(a.python)
    print_load()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "host.json").write_text('{"version":"2.0"}')
        (root / "function_app.py").write_text(APP)
        measure_start(a, root)
        for records in ("store", "off"):
            options = ["--telemetry", "off"] if records == "off" else []
            with Host(a.program, root, a.python, *options) as host:
                if records == "store":
                    measure_latency(host.port)
                for c in (1, 8, 64, 512):
                    text = wrk(host.port, "/api/hello", c, a.seconds)[1]
                    print(f"{c:>3} connections, records {records:<6}{text}")
                if records == "off":
                    text = wrk(host.port, "/admin/host/ping", 64, a.seconds)[1]
                    print(f" 64 connections, host alone   {text}")
                slow = asyncio.run(slow_requests(host.port, 1000))
                print(
                    f"1000 slow requests at once    {slow:.2f} s for 1 s each (records {records})"
                )
            with Host(a.program, root, a.python, *options) as host:
                measure_memory(host, a.requests, records)
    print_load()


if __name__ == "__main__":
    main()

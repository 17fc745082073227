"""The Functions host under load: what it costs over the same handler called in the worker.

run.py --program build/memline [--python PYTHON] [--seconds 5] [--requests 20000]

Prints one table. Each figure names its unit; requests go to loopback only. The interpreter needs
azure-functions; `wrk` measures, and its latency figures are the client's.
"""

import argparse
import asyncio
import http.client
import os
import re
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


def start(program: str, root: Path, python: str) -> Tuple["subprocess.Popen[str]", int, float]:
    """The host, its port, and seconds from start to the first answer."""
    begin = time.perf_counter()
    env = {
        **os.environ,
        "languageWorkers__python__defaultExecutablePath": python,
        "XDG_STATE_HOME": str(root / "state"),
    }
    host = subprocess.Popen(
        [program, "func", "start", "--port", "0", "--user-log-level", "Warning"],
        cwd=str(root),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert host.stdout is not None
    for line in host.stdout:
        found = re.search(r"Listening on http://localhost:(\d+)", line)
        if found:
            port = int(found.group(1))
            ask(port, "/api/hello")  # waits for the worker
            return host, port, time.perf_counter() - begin
    raise SystemExit("the host did not start")


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


def wrk(port: int, path: str, connections: int, seconds: int) -> str:
    out = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            f"http://127.0.0.1:{port}{path}",
        ],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    p50 = re.search(r"50%\s+(\S+)", out)
    p99 = re.search(r"99%\s+(\S+)", out)
    bad = re.search(r"Non-2xx.*", out)
    assert rate and p50 and p99
    return f"{float(rate.group(1)):>9.0f} /s   p50 {p50.group(1):>8}   p99 {p99.group(1):>8}" + (
        f"   {bad.group(0)}" if bad else ""
    )


def rss_mib(pid: int) -> Dict[str, float]:
    text = Path(f"/proc/{pid}/status").read_text()
    return {k: int(v) / 1024 for k, v in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", text)}


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20000, help="for the memory figure")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "host.json").write_text('{"version":"2.0"}')
        (root / "function_app.py").write_text(APP)
        imports = min(
            float(
                subprocess.check_output(
                    [
                        a.python,
                        "-c",
                        "import time; b=time.perf_counter(); import azure.functions, asyncio, concurrent.futures; print(time.perf_counter()-b)",  # noqa: E501
                    ]
                )
            )
            for _ in range(3)
        )
        starts = []
        for _ in range(3):
            host, port, first = start(a.program, root, a.python)
            starts.append(first)
            host.terminate()
            host.wait()
        print(
            f"start to first answer        {min(starts):.3f} s best of 3 (import azure.functions alone: {imports:.3f} s)"  # noqa: E501
        )
        host, port, _ = start(a.program, root, a.python)
        try:
            p50, p99 = (int(x) / 1e6 for x in ask(port, "/api/inside").split())
            through = latencies(port, "/api/hello", 2000)
            bare = latencies(port, "/admin/host/ping", 2000)
            print(f"handler inside the worker    p50 {p50:.3f} ms   p99 {p99:.3f} ms")
            print(
                f"through host and worker      p50 {through[1000]:.3f} ms   p99 {through[1980]:.3f} ms"
            )
            print(f"host and client alone (ping) p50 {bare[1000]:.3f} ms   p99 {bare[1980]:.3f} ms")
            for c in (1, 8, 64, 512):
                print(f"{c:>4} connections, function    {wrk(port, '/api/hello', c, a.seconds)}")
            for c in (8, 512):
                print(
                    f"{c:>4} connections, host alone  {wrk(port, '/admin/host/ping', c, a.seconds)}"
                )
            print(
                f"1000 slow requests at once   {asyncio.run(slow_requests(port, 1000)):.2f} s for 1 s each"
            )
            before = rss_mib(host.pid)["VmRSS"]
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for _ in range(a.requests):
                connection.request("GET", "/api/hello")
                connection.getresponse().read()
            after = rss_mib(host.pid)
            print(
                f"host memory                  {after['VmRSS']:.1f} MiB, {after['VmRSS'] - before:+.2f} MiB over {a.requests} requests, peak {after['VmHWM']:.1f} MiB"  # noqa: E501
            )
        finally:
            host.terminate()
            host.wait()


if __name__ == "__main__":
    main()

"""What the shim costs over the imports that every worker needs: under 60 ms and 3 MB."""

import os
import subprocess
import sys
from typing import Any, Callable, List, Tuple

import pytest
from fakehost import FakeHost

BASE = """
import azure.functions, asyncio, concurrent.futures
print(int(open("/proc/self/statm").read().split()[1]) * 4096, flush=True)
input()
"""
ROUNDS = 5


def cpu_seconds(process: "subprocess.Popen[Any]") -> float:
    """User and system time so far: unlike wall time, hardly moved by what else the machine does."""
    with open(f"/proc/{process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def base(python: str) -> Tuple[float, int]:
    process = subprocess.Popen(
        [python, "-c", BASE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    rss = int(process.stdout.readline())
    seconds = cpu_seconds(process)
    process.communicate("\n")
    return seconds, rss


def worker(python: str, tmp_path: Any) -> Tuple[float, int]:
    with FakeHost(python, tmp_path) as host:
        host.start()
        seconds = cpu_seconds(host.process)
        host.send("p", {"seq": 1})
        return seconds, int(host.receive()[1]["rss"])


@pytest.mark.figures
def test_start_and_memory(newest_python: str, tmp_path: Any) -> None:
    worker(newest_python, tmp_path)  # compiles what is not compiled yet
    bases: List[Tuple[float, int]] = []
    workers: List[Tuple[float, int]] = []
    for _ in range(ROUNDS):  # interleaved
        bases.append(base(newest_python))
        workers.append(worker(newest_python, tmp_path))
    seconds = min(w[0] for w in workers) - min(b[0] for b in bases)
    rss = min(w[1] for w in workers) - min(b[1] for b in bases)
    print(
        f"the shim adds {seconds * 1e3:.0f} ms of CPU and {rss / 1e6:.2f} MB on {sys.version.split()[0]}"
    )
    assert seconds < 0.060 + 0.02  # the clock's ticks are 10 ms long
    assert rss < 3e6


def test_only_what_is_needed_is_imported(app: Callable[..., Any], library_python: str) -> None:
    code = (
        "import azure.functions, asyncio, concurrent.futures, sys; print('\\n'.join(sys.modules))"
    )
    usual = set(
        subprocess.run(
            [library_python, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    host = app(
        {
            "function_app.py": """
import sys
import azure.functions as func
app = func.FunctionApp()
@app.route(route="f")
def f(req) -> str:
    return " ".join(sys.modules)
"""
        }
    )
    loaded = set(host.get("f").frame["return"]["v"].split())
    more = {
        m for m in loaded - usual if not m.startswith("_memline_worker") and m != "function_app"
    }
    stdlib = getattr(sys, "stdlib_module_names", None)
    if stdlib is not None:
        assert {m.split(".")[0] for m in more} <= set(stdlib)
    assert len(more) < 40, sorted(more)
    print(sorted(more))

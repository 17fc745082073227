"""func logs: what a project's functions logged, from its store, also while the host writes it."""

import importlib.util
import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from funchost import STAMP, Host, environment, write_app

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("azure") is None
    or importlib.util.find_spec("azure.functions") is None,
    reason="azure-functions is not installed here",
)

APP = """
import logging
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="one")
def one(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("first\\nsecond line %s", req.params.get("n", ""))
    logging.warning("careful")
    return func.HttpResponse("one")

@app.route(route="two")
def two(req: func.HttpRequest) -> func.HttpResponse:
    logging.error("two %s", req.params.get("n", ""))
    return func.HttpResponse("two")
"""


@pytest.fixture(scope="module")
def host(memline_program: str, tmp_path_factory: Any) -> Iterator[Host]:
    root = write_app(tmp_path_factory.mktemp("logs") / "app", {"function_app.py": APP})
    with Host(memline_program, root) as running:
        assert running.ask("/api/one?n=1")[0] == 200
        assert running.ask("/api/two?n=1")[0] == 200
        yield running


def logs(program: str, root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, "func", "logs", *arguments],
        cwd=str(root),
        env=environment(root.parent / "home"),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def plain(program: str, host: Host, *arguments: str) -> List[str]:
    """The lines without their time, once the host has written what it had."""
    end = time.monotonic() + 30
    while True:
        done = logs(program, host.root, *arguments)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        if lines or time.monotonic() > end:
            assert all(STAMP.match(line) for line in lines)
            return [STAMP.sub("", line) for line in lines]
        time.sleep(0.2)


def test_lines_are_those_of_the_console(memline_program: str, host: Host) -> None:
    end = time.monotonic() + 30
    while "two 1" not in plain(memline_program, host) and time.monotonic() < end:
        time.sleep(0.2)
    lines = plain(memline_program, host)
    at = lines.index("first")
    assert lines[at + 1 : at + 3] == ["second line 1", "careful"]
    assert lines.index("two 1") > at
    assert any(line.startswith("Executed 'Functions.two' (Succeeded") for line in lines)
    shown = [STAMP.sub("", line) for line in host.lines if STAMP.match(line)]
    wanted = [line for line in shown if not line.startswith(("Worker process", "Executed"))]
    assert [line for line in lines if line in wanted] == wanted


def test_of_one_function_of_a_level_and_of_a_time(memline_program: str, host: Host) -> None:
    assert "two 1" not in plain(memline_program, host, "one")
    assert "careful" in plain(memline_program, host, "ONE")
    assert plain(memline_program, host, "--level", "Error") == ["two 1"]
    assert plain(memline_program, host, "--level=warning", "--since", "10m") == ["careful", "two 1"]
    assert plain(memline_program, host, "--tail", "1", "--level", "Warning") == ["two 1"]
    assert logs(memline_program, host.root, "--since", "2199-01-01").stdout == ""
    levels = logs(memline_program, host.root, "two", "--show-level", "--show-category").stdout
    assert re.search(r"\] fail \[Function\.two\.User\] two 1\n", levels)


def test_follow_shows_what_comes_once(memline_program: str, host: Host) -> None:
    process = subprocess.Popen(
        [memline_program, "func", "logs", "two", "--follow", "--level", "Error"],
        cwd=str(host.root),
        env=environment(host.root.parent / "home"),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    seen: List[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: seen.extend(process.stdout or []), daemon=True)
    reader.start()
    for n in range(2, 5):
        assert host.ask(f"/api/two?n={n}")[0] == 200
        time.sleep(0.5)
    end = time.monotonic() + 30
    while len(seen) < 4 and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1)
    process.terminate()
    process.wait(10)
    reader.join(10)
    assert [STAMP.sub("", line.rstrip()) for line in seen] == ["two 1", "two 2", "two 3", "two 4"]


def test_wrong_values_and_a_project_without_records(memline_program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {})
    os.makedirs(root.parent / "home")
    done = logs(memline_program, root)
    assert done.returncode == 1
    assert "No records of this project yet" in done.stderr
    for option, value in (("--level", "loud"), ("--since", "yesterday"), ("--tail", "-1")):
        done = logs(memline_program, root, option, value)
        assert done.returncode == 1
        assert f"Invalid {option} value '{value}'" in done.stderr

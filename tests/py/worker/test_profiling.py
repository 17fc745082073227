"""Line reports: of every function of the user's (--profile), and of memory_profiler's decorator."""

import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from app_files import HEAD, RETURN, TRIGGER, folder
from environments import environment
from fakehost import http

memline = pytest.importorskip("memline", reason="the package memline is not installed here")


@pytest.fixture(scope="session")
def site(tmp_path_factory: Any) -> Dict[str, str]:
    """Variables with which a worker finds the package under test, and nothing else of this environment."""
    folder_of = tmp_path_factory.mktemp("site")
    (folder_of / "memline").symlink_to(Path(memline.__file__).parent)
    return {"PYTHONPATH": str(folder_of)}


@pytest.fixture
def start(
    make_host: Callable[..., Any], newest_python: str, site: Dict[str, str]
) -> Callable[..., Any]:
    def started(files: Dict[str, str], python: str = newest_python, **init: Any) -> Any:
        env = {**site, **init.pop("env", {})}
        host = make_host(python, files, env=env)
        host.start(**init)
        assert host.index["error"] is None, host.index["error"]["stack"]
        return host

    return started


def rows(logs: List[Dict[str, Any]]) -> Dict[str, Dict[str, str]]:
    """Fields of the measured rows, by source text."""
    return {
        log["fields"]["Contents"].strip(): log["fields"]
        for log in logs
        if "TotalMem_MiB" in log.get("fields", {})
    }


APP = (
    HEAD
    + """
import asyncio
from helper import Helper
kept = []
def hidden(function):
    def inside(n):
        return function(n)
    return inside
@hidden
def secret(n):
    secret_line = n
    return secret_line
@app.route(route="s")
def s(req) -> str:
    kept.append(bytearray(20 << 20))
    secret(1)
    return Helper().method()
@app.route(route="a")
async def a(req) -> str:
    mine = bytearray(10 << 20)
    await asyncio.sleep(0.05)
    import lazy
    lazy.run()
    return "a"
@app.route(route="fails")
def fails(req) -> str:
    before_failure = 1
    1/0
"""
)
FILES = {
    "function_app.py": APP,
    "helper.py": "class Helper:\n    def method(self):\n        method_line = 'm'\n        return method_line\n",
    "lazy.py": "def run():\n    lazy_line = 1\n",
}


@pytest.mark.figures
def test_every_function_of_the_users(start: Callable[..., Any]) -> None:
    host = start(FILES, profile="line")
    assert host.index["notices"] == []
    found = rows(host.get("s").logs)
    kept = found["kept.append(bytearray(20 << 20))"]
    assert 19 < float(kept["IncreMem_MiB"]) < 22
    assert kept["Occurrences"] == "1"
    assert kept["FunctionName"] == "s" if sys.version_info < (3, 11) else kept["FunctionName"]
    assert kept["FileName"] == str(host.root / "function_app.py")
    assert "secret_line = n" in found
    assert "method_line = 'm'" in found


def test_console_and_message_of_a_row(start: Callable[..., Any]) -> None:
    host = start(FILES, profile="line")
    logs = host.get("s").logs
    assert {log["logger"] for log in logs} == {"memory_profiler_logs"}
    assert logs[0]["message"] == f"memory_profiler_logs: Filename: {host.root}/function_app.py"
    assert (
        logs[1]["console"]
        .splitlines()[0]
        .startswith("Line #    Mem usage    Increment  Occurrences   Line")
    )
    row = next(log for log in logs if "kept.append" in log["message"])
    fields = row["message"].split("  ", 4)
    assert fields[0] == "memory_profiler_logs: " + row["fields"]["LineNumber"]
    assert fields[1].endswith(" MiB")
    assert fields[3] == "1"
    assert row["console"].endswith("   " + fields[4])
    assert row["console"].startswith("    ")


@pytest.mark.figures
def test_async_functions_that_overlap(start: Callable[..., Any]) -> None:
    host = start(FILES, profile="line")
    calls = [host.send_invoke("a", req=http()) for _ in range(4)]
    for call in calls:
        found = rows(host.result(call).logs)
        assert found["mine = bytearray(10 << 20)"]["Occurrences"] == "1"
        assert 9 < float(found["mine = bytearray(10 << 20)"]["IncreMem_MiB"]) < 12
        assert abs(float(found["await asyncio.sleep(0.05)"]["IncreMem_MiB"])) < 5
    assert "lazy_line = 1" in rows(host.get("a").logs), "a module imported later is profiled too"


def test_a_function_that_fails_is_reported_too(start: Callable[..., Any]) -> None:
    result = start(FILES, profile="line").get("fails")
    assert result.error["type"] == "ZeroDivisionError"
    assert result.error["stack"].startswith('  File "')
    assert "memline" not in result.error["stack"]
    assert "before_failure = 1" in rows(result.logs)


def test_folders_and_callables(start: Callable[..., Any]) -> None:
    host = start(
        {
            **folder(
                "F", "def main(req):\n    folder_line = 1\n    return 'f'\n", [TRIGGER, RETURN]
            ),
            **folder(
                "C",
                "class C:\n    def __call__(self, req):\n        call_line = 1\n        return 'c'\nmain = C()\n",
                [TRIGGER, RETURN],
            ),
            **folder(
                "M",
                "class M:\n    def go(self, req):\n        bound_line = 1\n        return 'm'\nmain = M().go\n",
                [TRIGGER, RETURN],
            ),
        },
        profile="line",
    )
    for name, line in (("F", "folder_line = 1"), ("C", "call_line = 1"), ("M", "bound_line = 1")):
        assert line in rows(host.get(name).logs)


def test_off_loads_nothing_of_memline(start: Callable[..., Any]) -> None:
    host = start(
        {
            "function_app.py": HEAD + 'import sys\n@app.route(route="f")\ndef f(req) -> str:\n'
            '    return str([m for m in sys.modules if m.startswith("memline")])\n'
        }
    )
    assert host.get("f").frame["return"]["v"] == "[]"


def test_heap_mode_profiles_as_well(start: Callable[..., Any]) -> None:
    host = start(FILES, profile="heap")
    assert "kept.append(bytearray(20 << 20))" in rows(host.get("s").logs)


def test_without_the_package_it_says_what_to_do(
    make_host: Callable[..., Any], newest_python: str
) -> None:
    host = make_host(
        newest_python,
        {**FILES, ".python_packages/lib/site-packages/memline/__init__.py": "import no_such_core"},
    )
    host.start(profile="line")
    assert host.get("s").frame["ok"]
    (notice,) = host.index["notices"]
    assert notice.startswith("Cannot profile line by line: ")
    assert "-m pip install memline==" in notice


# memory_profiler

TUTORIAL = """
import azure.functions as func
import logging
import memory_profiler
root_logger = logging.getLogger()
root_logger.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
profiler_logstream = memory_profiler.LogFile('memory_profiler_logs', True)

{main}def main(req: func.HttpRequest) -> func.HttpResponse:
    content = {call}
    return func.HttpResponse("size: %d" % len(content), status_code=200)

@memory_profiler.profile(stream=profiler_logstream)
{sub}def work(size):
    data = b'x' * size
    return data
"""
DECORATE = "@memory_profiler.profile(stream=profiler_logstream)\n"
FORMS = {
    "sync": {"main": "", "call": "work(5 << 20)", "sub": ""},
    "async": {"main": "async ", "call": "await work(5 << 20)", "sub": "async "},
    "main itself": {"main": DECORATE, "call": "work(5 << 20)", "sub": ""},
    "async main itself": {
        "main": DECORATE + "async ",
        "call": "await work(5 << 20)",
        "sub": "async ",
    },
}


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.figures
def test_the_decorator_where_it_is_not_installed(start: Callable[..., Any], form: str) -> None:
    host = start(folder("F", TUTORIAL.format(**FORMS[form])))
    result = host.get("F")
    assert result.body == b"size: 5242880", "the coroutine's value is kept"
    assert host.index["notices"] == []
    assert all(log["message"].startswith("memory_profiler_logs: ") for log in result.logs)
    assert result.messages()[0].startswith("memory_profiler_logs: Filename: ")
    found = rows(result.logs)
    assert 4.5 < float(found["data = b'x' * size"]["IncreMem_MiB"]) < 6
    if "main" in form:
        assert any("content = " in text for text in found)
    console = [log["console"] for log in result.logs]
    assert console[1].startswith("Line #    Mem usage    Increment  Occurrences   Line Contents")


@pytest.fixture(scope="session")
def python_with_the_original() -> str:
    return environment("func-original", ["azure-functions", "memory_profiler==0.61.0"])


def test_the_original_stands_where_it_is_installed(
    start: Callable[..., Any], python_with_the_original: str
) -> None:
    files = folder("F", TUTORIAL.format(**FORMS["sync"]))
    host = start(files, python=python_with_the_original)
    assert host.get("F").frame["ok"]
    (notice,) = host.index["notices"]
    assert notice.startswith("This app uses the original memory_profiler 0.61.0. ")
    assert '"MEMLINE_MEMORY_PROFILER": "memline"' in notice
    switched = start(
        files, python=python_with_the_original, env={"MEMLINE_MEMORY_PROFILER": "memline"}
    )
    assert switched.index["notices"] == []
    assert rows(switched.get("F").logs)


def test_ours_without_the_extension_is_explained(
    make_host: Callable[..., Any], newest_python: str
) -> None:
    files = {
        **folder("F", "import memory_profiler\ndef main(req): pass\n"),
        ".python_packages/lib/site-packages/memline/__init__.py": "import no_such_core",
    }
    host = make_host(newest_python, files)
    host.start()
    text = host.function("F")["error"]["message"]
    assert "memory_profiler is not installed, and memline's own cannot be used" in text
    assert "-m pip install memline" in text

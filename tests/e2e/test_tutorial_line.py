"""The two functions of the Azure tutorial, typed as in the document; only the page is on loopback."""

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import real as real_programs  # noqa: E402

ASYNC = """\
import azure.functions as func
import aiohttp
import logging
import memory_profiler

# Update root logger's format to include the logger name. Ensure logs generated
# from memory profiler can be filtered by "memory_profiler_logs" prefix.
root_logger = logging.getLogger()
root_logger.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
profiler_logstream = memory_profiler.LogFile('memory_profiler_logs', True)

async def main(req: func.HttpRequest) -> func.HttpResponse:
    size = await get_microsoft_page_async(req.url)
    return func.HttpResponse(
        f"Microsoft Page Is Loaded: {size}",
        status_code=200
    )

@memory_profiler.profile(stream=profiler_logstream)
async def get_microsoft_page_async(url: str):
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as response:
            text = await response.text()
    return len(text)
"""

SYNC = """\
import azure.functions as func
import requests
import logging
import memory_profiler

# Update root logger's format to include the logger name. Ensure logs generated
# from memory profiler can be filtered by "memory_profiler_logs" prefix.
root_logger = logging.getLogger()
root_logger.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
profiler_logstream = memory_profiler.LogFile('memory_profiler_logs', True)

def main(req: func.HttpRequest) -> func.HttpResponse:
    content = profile_get_request(req.url)
    return func.HttpResponse(
        f"Microsoft Page Response Size: {len(content)}",
        status_code=200
    )

@memory_profiler.profile(stream=profiler_logstream)
def profile_get_request(url: str):
    response = requests.get(url)
    return response.content
"""

# What the Functions host does: a handler on the root logger, then the function, then its answer.
HOST = """\
import asyncio, importlib, inspect, json, logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
import azure.functions as func
answers = []
for name in sys.argv[2:]:
    main = importlib.import_module(name).main
    request = func.HttpRequest("GET", sys.argv[1], body=b"")
    answer = asyncio.run(main(request)) if inspect.iscoroutinefunction(main) else main(request)
    answers.append([answer.status_code, answer.get_body().decode()])
print(json.dumps(answers))
"""

# Line number, memory, increment, occurrences, contents: exactly two blanks between, none before.
ROW = re.compile(
    r"^memory_profiler_logs: (?P<line>\d+)  (?P<mem>\d+\.\d+ MiB)  (?P<increment>-?\d+\.\d+ MiB)"
    r"  (?P<occurrences>\d+)  (?P<contents>.*)$"
)


@pytest.fixture
def tutorial(tmp_path, run):
    real = real_programs.Real(tmp_path, run)
    for name, text in (("HttpTriggerAsync", ASYNC), ("HttpTriggerSync", SYNC)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    (tmp_path / "host.py").write_text(HOST)
    return real


def kusto_parse(message):
    """`parse message with "memory_profiler_logs: " LineNumber "  " TotalMem_MiB "  " ...`: each
    text is looked for from left to right, the last column takes the rest."""
    prefix = "memory_profiler_logs: "
    fields = message[len(prefix) :].split("  ", 4)
    return fields if message.startswith(prefix) and len(fields) == 5 else None


@pytest.mark.parametrize(
    ("name", "text", "start", "answer"),
    [
        (
            "HttpTriggerAsync",
            ASYNC,
            "async def get_microsoft_page_async",
            "Microsoft Page Is Loaded: ",
        ),
        ("HttpTriggerSync", SYNC, "def profile_get_request", "Microsoft Page Response Size: "),
    ],
)
def test_tutorial(tutorial, page, name, text, start, answer):
    """The value comes back, and the log has a row of clean columns for each line that grew."""
    done = tutorial.python_run("host.py", page.url, name)
    size = len(page.RequestHandlerClass.page)
    assert json.loads(done.stdout) == [[200, f"{answer}{size}"]]

    logged = [x for x in done.stderr.splitlines() if x.startswith("memory_profiler_logs: ")]
    file = str(tutorial.folder / name / "__init__.py")
    assert logged[0] == f"memory_profiler_logs: Filename: {file}"
    assert logged[1].split()[1:] == ("Line # Mem usage Increment Occurrences Line Contents".split())
    rows = [ROW.match(x) for x in logged[2:]]
    assert rows
    assert all(rows), logged

    source = text.splitlines()
    decorator = next(i for i, x in enumerate(source) if x.startswith(start))
    first, last = decorator, len(source)
    for row in rows:
        number = int(row["line"])
        assert first <= number <= last
        assert row["contents"] == source[number - 1]
        assert float(row["increment"].split()[0]) > 0
    # The page is in memory after the line that read it, so one row at least tells of growth there.
    assert any(int(row["line"]) > decorator + 1 for row in rows)
    for message, row in zip(logged[2:], rows):
        assert kusto_parse(message) == [
            row[k] for k in ("line", "mem", "increment", "occurrences", "contents")
        ]


def test_both_in_one_process(tutorial, page):
    """As in the app: two modules, each with its own LogFile of the same name."""
    done = tutorial.python_run("host.py", page.url, "HttpTriggerAsync", "HttpTriggerSync")
    assert [status for status, _ in json.loads(done.stdout)] == [200, 200]
    files = re.findall(r"^memory_profiler_logs: Filename: (.*)$", done.stderr, re.M)
    assert [Path(f).parent.name for f in files] == ["HttpTriggerAsync", "HttpTriggerSync"]


def test_under_memline_run_as_well(tutorial, page):
    """Both profilers at once: the rows stay, and the run's report has the functions too."""
    done = tutorial.memline_run("host.py", page.url, "HttpTriggerSync")
    assert json.loads(done.stdout)[0][0] == 200
    assert any(ROW.match(x) for x in done.stderr.splitlines())
    names = {f["name"] for f in done.report["functions"]}
    assert {"main", "profile_get_request"} <= names

"""Programs nobody here wrote, under `memline run`: same output, same status, and figures that hold.

How often a line ran is checked against the standard library's `trace`, which counts the same events on
its own.
"""

import ast
import json
import signal
import sys
import textwrap
from pathlib import Path
from urllib.request import urlopen

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import real as real_programs  # noqa: E402
from real import free_port, hits, wait_for  # noqa: E402

MIB = 1 << 20


@pytest.fixture
def real(tmp_path, run):
    return real_programs.Real(tmp_path, run)


def same(plain, profiled):
    """What the user sees is what Python alone shows."""
    assert profiled.stdout == plain.stdout
    assert profiled.stderr == plain.stderr
    assert profiled.returncode == plain.returncode


def repeating(file):
    """Lines with a loop in themselves: a comprehension, or a loop and its body. `trace` counts each
    turn of it, memline how often the line was started."""
    loops = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.For, ast.While)
    with open(file, "rb") as f:
        tree = ast.parse(f.read())
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, loops) and not hasattr(node, "body"):
            lines.update(range(node.lineno, node.end_lineno + 1))
        elif isinstance(node, loops) and node.body[0].lineno == node.lineno:
            lines.add(node.lineno)
    return lines


def agree(found, known):
    """The same lines ran, and equally often."""
    assert set(found) == set(known)
    for file, counts in known.items():
        assert set(found[file]) == set(counts), file
        several = repeating(file)
        different = {
            line: (found[file][line], count)
            for line, count in counts.items()
            if found[file][line] != count
            and not (line in several and 0 < found[file][line] < count)
        }
        assert not different, f"{file}: line: (memline, trace): {different}"


# --- docutils on its own documents ---------------------------------------------------------------

# The README of aiohttp, as its authors wrote it, in reStructuredText.
DOCUMENT = """
import importlib.metadata, sys
about = importlib.metadata.metadata("aiohttp")
sys.stdout.write(about.get_payload() or about["Description"])
"""


@pytest.fixture
def document(real):
    text = real.python_run("-c", DOCUMENT).stdout
    assert len(text) > 2000
    (real.folder / "document.rst").write_text(text)
    return real.folder / "document.rst"


def test_docutils(real, document):
    """A page out of a real document, docutils' own code profiled: about a hundred modules."""
    program = ("-m", "docutils", "--strip-comments", document)
    plain = real.python_run(*program)
    assert "<html" in plain.stdout
    words = [*real.run_words(), "--include", "*/site-packages/docutils/*"]
    profiled = real.python_run(*words, *program)
    same(plain, profiled)
    report = real.report()
    functions = {f["name"] for f in report["functions"]}
    assert {"Publisher.publish", "StateMachine.run", "Inliner.parse"} <= functions
    assert len(functions) > 300
    known = real.oracle(["/docutils/statemachine.py", "/docutils/parsers/rst/"], *program)
    found = {file: lines for file, lines in hits(report).items() if file in known}
    agree(found, known)


# --- json.tool on a large file ---------------------------------------------------------------------


def test_json_tool(real):
    """The report tells the lines of json/tool.py, and which of them took the memory of a large file."""
    rows = [{"id": i, "name": f"row {i}", "values": [i, i / 2, str(i)]} for i in range(60_000)]
    for name, some in (("small.json", rows[:50]), ("large.json", rows)):
        (real.folder / name).write_text(json.dumps(some))
    program = ("-m", "json.tool", "--compact" if sys.version_info >= (3, 9) else "--sort-keys")

    profiled = real.memline_run(*program, "small.json")
    agree(hits(profiled.report), real.oracle(["/json/tool.py"], *program, "small.json"))

    plain = real.python_run(*program, "large.json")
    assert json.loads(plain.stdout) == rows
    profiled = real.memline_run(*program, "large.json")
    same(plain, profiled)
    main = next(f for f in profiled.report["functions"] if f["name"] == "main")
    grew = max(main["lines"], key=lambda row: row["rss_net_bytes"])
    assert grew["rss_net_bytes"] > 10 * MIB
    assert "json.load" in grew["source"] or "for obj in objs" in grew["source"]


def test_json_tool_on_a_broken_file(real):
    """Its message, its exit status."""
    (real.folder / "broken.json").write_text('{"a": [1, 2,, 3]}')
    program = ("-m", "json.tool", "broken.json")
    plain = real.python_run(*program, status=1)
    profiled = real.memline_run(*program, status=1)
    same(plain, profiled)
    assert hits(profiled.report)


# --- numpy -------------------------------------------------------------------------------------------

NUMPY = """\
import numpy as np

def fill(n):
    a = np.ones(n)
    b = a * 2.0
    c = a + b
    del b
    return c.sum() + a.sum()

def statistics(rows):
    data = np.arange(rows * 8, dtype=float).reshape(rows, 8)
    means = data.mean(axis=0)
    spread = np.sqrt(((data - means) ** 2).mean(axis=0))
    return means, spread

print(fill(8 * 2**20))
for _ in range(3):
    means, spread = statistics(2**17)
print(means.tolist(), spread.tolist())
"""


def test_numpy(real):
    """Arrays of 64 MiB: each line's share is known to a few pages."""
    (real.folder / "arrays.py").write_text(NUMPY)
    plain = real.python_run("arrays.py")
    profiled = real.memline_run("arrays.py")
    same(plain, profiled)
    functions = {
        f["name"]: {r["line"]: r for r in f["lines"]} for f in profiled.report["functions"]
    }
    net = {line: row["rss_net_bytes"] / MIB for line, row in functions["fill"].items()}
    for line, expected in {4: 64, 5: 64, 6: 64, 7: -64}.items():
        assert abs(net[line] - expected) < 2, net
    assert [functions["statistics"][line]["hits"] for line in range(11, 15)] == [3, 3, 3, 3]
    assert functions["<module>"][17]["hits"] == 4


# --- web servers under load ----------------------------------------------------------------------

FLASK = """\
import sys
from flask import Flask, request

app = Flask(__name__)
kept = []

@app.route("/")
def index():
    name = request.args.get("name", "nobody")
    kept.append(bytes(1000))
    return f"hello {name}"

@app.route("/stop")
def stop():
    return "not here"

app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
print("ended", len(kept))
"""

AIOHTTP = """\
import asyncio
import sys
from aiohttp import web

kept = []

async def index(request):
    name = request.query.get("name", "nobody")
    await asyncio.sleep(0)
    kept.append(bytes(1000))
    return web.Response(text=f"hello {name}")

app = web.Application()
app.router.add_get("/", index)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
print("ended", len(kept))
"""

REQUESTS = 40


@pytest.mark.parametrize(
    ("text", "function", "lines", "ended"),
    [
        # Ctrl-C: werkzeug's server ends, and the program goes on to its last line.
        pytest.param(FLASK, "index", (9, 10, 11), True, id="flask"),
        pytest.param(AIOHTTP, "index", (8, 9, 10, 11), True, id="aiohttp"),
    ],
)
def test_server(real, text, function, lines, ended):
    """Every request is answered, and the handler's lines ran as often as there were requests."""
    (real.folder / "server.py").write_text(textwrap.dedent(text))
    answers = {}
    for words in ([], real.run_words()):
        port = free_port()
        url = f"http://127.0.0.1:{port}/"
        process = real.popen(*words, "server.py", port)
        try:
            wait_for(url + "nothing", process)
            found = [urlopen(f"{url}?name={i}", timeout=20).read() for i in range(REQUESTS)]
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        answers[bool(words)] = (found, out, process.returncode)
        assert "Traceback" not in err, err
    assert answers[True] == answers[False]
    assert answers[True][0][7] == b"hello 7"
    assert answers[True][1].splitlines()[-1] == f"ended {REQUESTS}"
    functions = {
        f["name"]: {r["line"]: r["hits"] for r in f["lines"]} for f in real.report()["functions"]
    }
    assert {line: functions[function][line] for line in lines} == {line: REQUESTS for line in lines}

"""What the acceptance checklist asks for and no other file of tests shows (tests/e2e/README.md has the table)."""

import asyncio
import concurrent.futures
import hashlib
import http.client
import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from funchost import STAMP, Host, environment, write_app

needs_library = pytest.importorskip("azure.functions", reason="azure-functions is not installed")

HEAD = """
import asyncio, atexit, json, logging, os, threading, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""

GREETING = b"Hello, World. This HTTP triggered function executed successfully."


def sh(program: str, root: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        [program, *words],
        cwd=str(root),
        env={**environment(root), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def query(host: Host, text: str) -> List[Dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
    connection.request("POST", "/v1/apps/any/query", json.dumps({"query": text}))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    (table,) = json.loads(body)["tables"]
    return [dict(zip((c["name"] for c in table["columns"]), row)) for row in table["rows"]]


# -- the commands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["v2", "v1", "reversed default"])
def test_the_tutorials_commands_serve(program: str, tmp_path: Path, how: str) -> None:
    env = {"MEMLINE_FUNC_DEFAULT_MODEL": "v1"} if how == "reversed default" else {}
    model = ["-m", "v1"] if how == "v1" else []
    sh(program, tmp_path, "func", "init", "Demo", "--python", *model, **env)
    root = tmp_path / "Demo"
    for name in ("HttpTriggerAsync", "HttpTriggerSync"):
        words = ["-l", "python", "-t", "HttpTrigger", "-n", name, "-a", "anonymous"]
        sh(program, root, "func", "new", *words, **env)
        assert (root / name / "function.json").is_file()
    with Host(program, root, env=env) as host:
        for name in ("HttpTriggerAsync", "HttpTriggerSync"):
            status, _, body = host.ask(f"/api/{name}?name=World")
            assert (status, body) == (200, GREETING)


def test_without_a_network(program: str, tmp_path: Path) -> None:
    """All of it in a network namespace of its own, in which there is nothing but loopback."""
    script = tmp_path / "alone.sh"
    script.write_text(
        f"""set -eu
{sys.executable} - <<'UP'
import fcntl, socket, struct
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
UP
{program} func init Demo --python > /dev/null
cd Demo
{program} func new -t "HTTP trigger" -n Hello -a anonymous > /dev/null
{program} func start --port 7071 > console.txt 2>&1 &
host=$!
{sys.executable} - <<'ASK'
import time, urllib.request
for _ in range(200):
    try:
        print(urllib.request.urlopen("http://localhost:7071/api/Hello?name=World", timeout=30).read().decode())
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
    except urllib.error.URLError:
        time.sleep(0.1)
ASK
kill $host
wait $host
"""
    )
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        pytest.skip("no network namespace may be made here")
    done = subprocess.run(
        ["unshare", "-n", "sh", str(script)],
        cwd=str(tmp_path),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout.strip() == GREETING.decode(), done.stderr
    assert done.returncode == 0


def test_the_projects_own_environment_is_found(program: str, tmp_path: Path) -> None:
    """No environment is active; .venv alone has azure.functions."""
    root = write_app(tmp_path / "app", {"function_app.py": HEAD})
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    library = Path(needs_library.__file__).parents[2]
    (next((root / ".venv" / "lib").glob("python3*")) / "site-packages" / "other.pth").write_text(
        str(library)
    )
    bare = tmp_path / "bare"  # an interpreter without the library
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    with Host(program, root, env={"VIRTUAL_ENV": "", "PATH": f"{bare}/bin:/usr/bin:/bin"}) as host:
        host.line(f"Using the Python of this project: {root}/.venv/bin/python")


def test_settings_in_the_worker(program: str, tmp_path: Path) -> None:
    source = HEAD + (
        '@app.route(route="env")\n'
        "def env(req: func.HttpRequest) -> str:\n"
        "    return json.dumps({'all': {k: os.environ.get(k) for k in req.params['k'].split()}})\n"
    )
    local = {
        "IsEncrypted": False,
        "Values": {"A": "file", "B": "file", "EMPTY": "", "NULL": None, "N": 5, "YES": True},
        "ConnectionStrings": {"One": "text", "Two": {"ConnectionString": "object"}},
    }
    root = write_app(
        tmp_path / "app",
        {"function_app.py": source, "local.settings.json": json.dumps(local)},
    )
    names = "A+B+EMPTY+NULL+N+YES+ConnectionStrings:One+ConnectionStrings:Two"
    with Host(program, root, env={"B": "environment"}) as host:
        host.line("Skipping 'B' from local settings as it's already defined in current environment")
        host.line("Skipping 'NULL' because value is null")
        seen = json.loads(host.ask(f"/api/env?k={names}")[2])["all"]
    assert seen == {
        "A": "file",
        "B": "environment",
        "EMPTY": "",
        "NULL": None,
        "N": "5",
        "YES": seen["YES"],
        "ConnectionStrings:One": "text",
        "ConnectionStrings:Two": "object",
    }
    assert seen["YES"].lower() == "true"


# -- the console -------------------------------------------------------------------------------------------


def test_a_terminal_shows_the_same_in_colours(program: str, tmp_path: Path) -> None:
    source = HEAD + (
        '@app.route(route="hello")\n'
        "def hello(req: func.HttpRequest) -> str:\n"
        '    logging.warning("careful")\n'
        '    logging.error("broken")\n'
        '    return "hello"\n'
    )
    root = write_app(tmp_path / "app", {"function_app.py": source})

    def seen_on(terminal: bool) -> str:
        own, side = pty.openpty() if terminal else os.pipe()
        env = environment(tmp_path)
        del env["NO_COLOR"]
        with subprocess.Popen(
            [program, "func", "start", "--port", "0"],
            cwd=str(root),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=side,
            stderr=subprocess.STDOUT,
        ) as process:
            os.close(side)
            text, asked, port = "", False, None
            while True:
                try:
                    piece = os.read(own, 65536)
                except OSError:  # the end of a terminal
                    break
                if not piece:
                    break
                text += piece.decode()
                port = re.search(r"Listening on http://localhost:(\d+)", text)
                if port and not asked and "For detailed output" in text:
                    asked = True
                    connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=30)
                    connection.request("GET", "/api/hello")
                    connection.getresponse().read()
                    connection.close()
                if "Executed 'Functions.hello'" in text:
                    process.terminate()
            os.close(own)
        assert port is not None, text
        return text.replace("\r\n", "\n").replace(port[1], "PORT")

    plain, colored = seen_on(False), seen_on(True)
    assert "\033" not in plain
    for code, word in ((33, "careful"), (91, "broken"), (90, r"\[\d{4}-")):
        assert re.search(rf"\033\[{code}m{word}", colored), colored
    assert "\033[33mhello" in colored  # its name in the list

    def bare(text: str) -> List[str]:
        lines = re.sub(r"\033\[[0-9;]*m", "", text).split("\n")
        lines = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|Duration.*", "", line) for line in lines]
        return [STAMP.sub("", line) for line in lines]

    assert bare(colored) == bare(plain)


@pytest.mark.parametrize(
    "levels, words, shown",
    [
        ({}, [], "info warning"),
        ({"default": "Debug"}, [], "debug info warning"),
        ({"default": "Warning"}, [], "warning"),
        ({"default": "Warning", "Function.say.User": "Debug"}, [], "debug info warning"),
        ({"Function.*.User": "Error"}, [], ""),
        ({}, ["--user-log-level", "Debug"], "debug info warning"),
        ({}, ["--user-log-level", "None"], ""),
    ],
)
def test_who_sees_what(
    program: str, tmp_path: Path, levels: Dict[str, str], words: List[str], shown: str
) -> None:
    source = HEAD + (
        '@app.route(route="say")\n'
        "def say(req: func.HttpRequest) -> str:\n"
        '    for level in ("debug", "info", "warning"):\n'
        '        getattr(logging, level)("a user %s", level)\n'
        '    logging.getLogger("azure.functions.x").warning("a system record")\n'
        '    print("LanguageWorkerConsoleLogdo not show this", flush=True)\n'
        '    return "said"\n'
    )
    host_json = {"version": "2.0", "logging": {"logLevel": levels}}
    root = write_app(
        tmp_path / "app", {"function_app.py": source, "host.json": json.dumps(host_json)}
    )
    with Host(program, root, *words) as host:
        assert host.ask("/api/say")[2] == b"said"
        if "debug" not in shown:  # the shim need not build records that nobody sees
            assert "a user debug" not in json.dumps(query(host, "traces"))
        assert "do not show this" not in json.dumps(query(host, "traces"))
    text = host.text()  # all of it
    assert " ".join(w for w in ("debug", "info", "warning") if f"a user {w}" in text) == shown
    assert "a system record" not in text
    assert "do not show this" not in text


def test_what_editors_wait_for_comes_once_a_reload(program: str, tmp_path: Path) -> None:
    begins = re.compile(r"^.*(Job host stopped|signaling restart).*$")
    ends = re.compile(
        r"^.*(Worker process started and initialized|Host lock lease acquired by instance ID).*$"
    )
    root = write_app(tmp_path / "app", {"function_app.py": HEAD})
    with Host(program, root) as host:
        for n in range(2):
            before = len(host.lines)
            (root / "function_app.py").write_text(HEAD + f"# {n}\n")
            host.line("Worker process started and initialized", after=before)
            time.sleep(0.5)
            lines = host.lines[before:]
            assert sum(bool(begins.match(line)) for line in lines) == 1
            assert sum(bool(ends.match(line)) for line in lines) == 1


def test_records_of_every_moment(program: str, tmp_path: Path) -> None:
    """Import time, a bare thread, after the return, the end: on the console, and in traces."""
    source = HEAD + (
        'logging.warning("at import")\n'
        'atexit.register(logging.warning, "at exit")\n'
        "def late():\n"
        "    time.sleep(0.3)\n"
        '    logging.warning("after the return")\n'
        '@app.route(route="go")\n'
        "def go(req: func.HttpRequest) -> str:\n"
        '    threading.Thread(target=logging.warning, args=("in a thread",)).start()\n'
        "    threading.Thread(target=late).start()\n"
        '    return "gone"\n'
    )
    root = write_app(tmp_path / "app", {"function_app.py": source})
    with Host(program, root) as host:
        assert host.ask("/api/go")[2] == b"gone"
        host.line("after the return")
    text = host.text()
    kept = sh(program, root, "query", "--format", "csv", "traces | project message")
    for moment in ("at import", "in a thread", "after the return", "at exit"):
        assert text.count(moment) == 1, text
        assert kept.count(moment) == 1, kept


# -- HTTP ---------------------------------------------------------------------------------------------------


SERVE = (
    HEAD
    + """
running, most = 0, 0

@app.route(route="slow", methods=["GET"])
async def slow(req: func.HttpRequest) -> str:
    global running, most
    running += 1
    most = max(most, running)
    deadline = time.monotonic() + 60
    while most < int(req.params["n"]) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    running -= 1
    return str(most)

lock = threading.Lock()
blocked, most_blocked = 0, 0

@app.route(route="blocking")
def blocking(req: func.HttpRequest) -> str:
    global blocked, most_blocked
    with lock:
        blocked += 1
        most_blocked = max(most_blocked, blocked)
    deadline = time.monotonic() + 60
    while most_blocked < int(req.params["n"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    with lock:
        blocked -= 1
    return str(most_blocked)

@app.route(route="digest")
def digest(req: func.HttpRequest) -> str:
    import hashlib
    return hashlib.sha256(req.get_body()).hexdigest()
"""
)


@pytest.fixture(scope="module")
def serving(program: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = write_app(tmp_path_factory.mktemp("serving") / "app", {"function_app.py": SERVE})
    with Host(program, root) as host:
        yield host


async def ask_at_once(port: int, path: str, n: int) -> List[bytes]:
    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        data = await reader.read()
        writer.close()
        return data

    return list(await asyncio.gather(*(one() for _ in range(n))))


@pytest.mark.parametrize("path, n", [("slow", 500), ("blocking", 200)])
def test_so_many_run_at_once(serving: Host, path: str, n: int) -> None:
    """Each waits until all run: one after another, or fewer at a time, they would wait for ever."""
    answers = asyncio.run(ask_at_once(serving.port, f"/api/{path}?n={n}", n))
    assert {a.split(b"\r\n\r\n")[1] for a in answers} == {str(n).encode()}


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
def test_a_wrong_method_is_one_warning(serving: Host, method: str) -> None:
    before = len(serving.lines)
    assert serving.ask("/api/slow", method)[::2] == (404, b"")
    serving.line(
        f"{method} /api/slow: the function 'slow' serves this path, but only for GET", after=before
    )
    assert sum("serves this path" in line for line in serving.lines[before:]) == 1


def test_json_is_not_touched(serving: Host) -> None:
    text = b'{ "b" :1.10,\r\n\t"a":[ 1e2 , "\\u00e4\xc3\xa4" ] ,"a":2}\n'
    want = hashlib.sha256(text).hexdigest().encode()
    fields = {"Content-Type": "application/json"}
    assert serving.ask("/api/digest", "POST", text, fields)[2] == want


def test_a_worker_that_never_comes(program: str, tmp_path: Path) -> None:
    """Notices while it is awaited, and after half a minute an answer."""
    root = write_app(tmp_path / "app", {"function_app.py": "import time; time.sleep(100)"})
    env = {"AzureWebJobsDisableHomepage": "true"}
    with Host(program, root, "--timeout", "1", env=env, wait=False) as host:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(host.ask, "/api/hello", timeout=60)
            host.line(r"Still starting after \d+ s: waiting for the app to load: .*function_app.py")
            assert host.ask("/admin/host/ping")[0] == 200
            assert waiting.result()[::2] == (503, b"Function host is not running.")
            host.process.kill()


def test_no_home_page_when_it_is_off(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": HEAD})
    with Host(program, root, env={"AzureWebJobsDisableHomepage": "true"}) as host:
        assert host.ask("/")[::2] == (204, b"")


@pytest.mark.parametrize(
    "kind, prefix, replace",
    [
        ("fastapi_items", "", [('"/api/', '"/')]),
        ("flask_items", "api", [('put("/', 'put("/api/'), ('get("/items', 'get("/api/items')]),
    ],
)
def test_frameworks_under_the_other_prefix(
    start_app: Any, kind: str, prefix: str, replace: Any
) -> None:
    """Each of the two apps is served under its own prefix in test_func_apps.py; here under the other's. A
    framework sees the whole path."""
    env = {"AzureFunctionsJobHost__extensions__http__routePrefix": prefix}
    host = start_app(kind, replace=replace, env=env)
    base = f"/{prefix}" if prefix else ""
    body, fields = b'{"name": "n", "price": 2.5}', {"Content-Type": "application/json"}
    assert host.request("PUT", f"{base}/items/7", body, fields).status in (200, 204)
    found = json.loads(host.get(f"{base}/items/7?verbose=true").body)
    assert found.get("item", found) == {"name": "n", "price": 2.5}
    assert found.get("verbose", True) is True
    assert host.get(f"{base}/nothing").status == 404

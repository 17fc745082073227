"""Queries on ClickHouse: the same rows as our engine on an old server with two shards and on a modern one;
what is refused; what a server may do to us. `make kql-scale` runs the comparison over the corpus too."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import clickhouses
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import kql_scale  # noqa: E402

NOWHERE = "clickhouse://127.0.0.1:1/memline?version="
MODERN, OLD = NOWHERE + "26.9", NOWHERE + "18.16"


def query(program: str, engine: str, text: str, *options: str, **more: Any) -> Any:
    command = [program, "query", "--engine", engine, f"--now={kql_scale.NOW}", *options, text]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)


# --- what is emitted ---


def golden_cases() -> list[tuple[str, str]]:
    text = (Path(__file__).parent / "scale_golden.kql").read_text(encoding="utf-8")
    parts = [p.partition("\n") for p in ("\n" + text).split("\n== ")[1:]]
    return [(name.strip(), rest.strip()) for name, _, rest in parts]


@pytest.mark.parametrize(("name", "text"), golden_cases(), ids=[n for n, _ in golden_cases()])
def test_sql_is_as_written_down(program, golden, name, text):
    shown = query(program, MODERN, text, "--explain")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    if lines[0].startswith("WITH '0-9A-Za-z"):  # all letters and digits of this system
        lines[0] = "WITH '...' AS `letters#`"
    golden(f"scale/{name}.sql", "\n".join(lines) + "\n")


REFUSED = [
    ("traces | extend x = hash(message)", MODERN, "column 21", "'hash' is not mapped"),
    ("traces\n| summarize make_bag(customDimensions)", MODERN, "line 2, column 13", "'make_bag'"),
    ("traces | summarize make_list(message)", MODERN, "column 20", "make_list over rows in no order"),
    ("traces | where message matches regex @'\\p{Greek}'", MODERN, "column 38", "this escape"),
    ("requests | where duration % 2 == 1", MODERN, "column 18", "'%' of real numbers"),
    ("traces | where message has operation_Id", MODERN, "column 28", "text that is not constant"),
    ("traces | project todecimal(severityLevel)", MODERN, "column 28", "decimal"),
    ("requests | make-series n = count() on timestamp step 1h", MODERN, "", "'make-series'"),
    ("traces | sample 3", MODERN, "", "'sample'"),
    ("traces | extend r = rand()", MODERN, "column 21", "'rand' is not mapped"),
    ("traces | extend s = substring(message, 1, 2)", OLD, "column 21", "needs version 23.8 or later"),
    ("traces | where tostring(customDimensions.a) == 'x'", OLD, "column 25", "a dynamic value needs"),
    ("print ['x#3'] = 1", MODERN, "", "a name that ends with '#' and a number"),
    ("AppTraces | count", MODERN, "column 1", "AppTraces"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "engine", "place", "why"), REFUSED)
def test_what_cannot_be_mapped_is_named(program, text, engine, place, why):
    done = query(program, engine, text, "--explain")
    assert done.returncode == 1
    assert why in done.stderr
    assert place in done.stderr
    assert done.stdout == ""


def test_wrong_addresses_are_wrong_usage(program, tmp_path):
    for engine in [
        "http://127.0.0.1:1",
        "clickhouse://",
        "clickhouse:///db",
        OLD.replace("version", "v"),
    ]:
        done = query(program, engine, "print 1", "--explain")
        assert done.returncode == 2, engine
        assert "engine" in done.stderr
    rows = tmp_path / "x.csv"
    rows.write_text("a\n1\n")
    assert query(program, OLD, "x | count", f"--table=x={rows}").returncode == 2


# --- what servers answer ---


@pytest.fixture(scope="module")
def store(program, tmp_path_factory) -> Path:
    return kql_scale.make_store(program, tmp_path_factory.mktemp("scale"))


@pytest.fixture(scope="module")
def shards(program, store, tmp_path_factory) -> Iterator[list[str]]:
    if clickhouses.no_shards():
        pytest.skip(clickhouses.no_shards())
    with clickhouses.two_shards(tmp_path_factory.mktemp("clickhouse")) as urls:
        kql_scale.export(program, store, urls)
        clickhouses.distribute(urls)
        yield urls


@pytest.fixture(scope="module")
def modern(program, store, tmp_path_factory) -> Iterator[str]:
    if clickhouses.no_modern():
        pytest.skip(clickhouses.no_modern())
    with clickhouses.modern(tmp_path_factory.mktemp("chdb")) as url:
        kql_scale.export(program, store, [url])
        yield url


def agrees(program: str, engine: str, store: Path, least: int) -> None:
    cases = kql_scale.own_cases()
    count = kql_scale.compare(program, engine, store, cases, "")
    assert count["mismatch"] == count["failed"] == 0
    assert count["ran"] >= least  # may only rise


def test_two_shards_answer_as_we_do(program, shards, store):
    assert all(
        int(clickhouses.ask(url, "SELECT count() FROM memline.traces")) >= 0 for url in shards
    )
    agrees(program, clickhouses.engine(shards[0], "everywhere"), store, 74)


def test_a_modern_server_answers_as_we_do(program, modern, store):
    agrees(program, clickhouses.engine(modern), store, 96)


NASTY = [  # fmt: skip
    "'",
    '"',
    "\\",
    "\\'",
    "`",
    "``",
    "'; DROP TABLE memline.traces; --",
    "a\0b",
    "\x01\x7f",
    "{x:String}",
    "%s",
    "é",
    "😀",
    "\u202e",
    "\n\t\r",
    "/* x */ --",
    "$1",
]


def escaping(program: str, engine: str) -> None:
    cells = ", ".join(json.dumps(t).replace("\\u0000", "\\x00") for t in NASTY)
    cases = [
        f"datatable(s:string)[{cells}] | extend t = strcat(s, '|'), n = strlen(s) | where t != ''",
        f"datatable(s:string)[{cells}] | where s in ({cells}) | summarize count() by s",
    ]
    for i, text in enumerate(NASTY):
        lit = json.dumps(text).replace("\\u0000", "\\x00")
        name = (
            text.replace("\0", "0").replace("\n", " ").replace("\r", " ").replace('"', "''") or "x"
        )
        quoted = json.dumps(name)
        cases.append(
            f"print a = {lit} | extend [{quoted}] = a, b = a == {lit}, c = a contains_cs {lit} | extend d = [{quoted}]"
        )
        search = f"s has_cs {lit} or s startswith_cs {lit} or s endswith {lit}"
        tail = " | count" if i % 2 else ""
        cases.append(f"datatable(s:string)[{cells}] | where {search}{tail}")
    ours = kql_scale.kql_score.run(
        [program, "query", "--batch"], [{"id": c, "query": c} for c in cases]
    )
    theirs = kql_scale.kql_score.run(
        [program, "query", "--batch", "--engine", engine], [{"id": c, "query": c} for c in cases]
    )
    ran = 0
    for c in cases:
        if "error" in theirs[c]:
            assert theirs[c]["error"]["code"] == ours[c].get("error", {"code": "ML105"})["code"], (
                c,
                theirs[c],
            )
            continue
        assert kql_scale.same(
            theirs[c]["result"]["tables"][0], ours[c]["result"]["tables"][0], False
        ), c
        ran += 1
    assert ran > len(cases) // 2


def test_escaping_on_the_old_server(program, shards):
    escaping(program, clickhouses.engine(shards[0], "everywhere"))


def test_escaping_on_the_modern_server(program, modern):
    escaping(program, clickhouses.engine(modern))


CASTS = ["0x1F", " +7 ", "9999999999999999999", "1e3", ".5", "5.", "NaN", "1.5", "", "TRUE", "1_0"]
JSONS = [
    '{"a":1,"a":2}',
    '{"a":18446744073709551616}',
    '{"a":"\\ud800"}',
    '{"a":1e400}',
    '{"a":1.0}',
]
JSONS += ['{"a":"0x1F"}', '{"a":[1,{"b":2}]}', '{"a":01}', '"a"', '{"a":" 7 "}', '{"a":null}', ""]


def test_values_are_read_alike_or_not_at_all(program, modern):
    """Texts that ClickHouse itself reads otherwise: each alone, since one of them fails a whole query."""
    queries = []
    for text in CASTS:
        for to in ["tolong(s)", "todouble(s)", "tobool(s)"]:
            queries.append(f"datatable(s:string)[{json.dumps(text)}] | project x = {to}")
    for text in JSONS:
        table = f"datatable(s:string)[{json.dumps(text)}] | extend d = parse_json(s)"
        for to in ["tostring(d.a)", "tolong(d.a)", "isnull(d.a)", "tostring(d)"]:
            queries.append(f"{table} | project x = {to}")
    cases = [{"id": q, "query": q} for q in queries]
    ours = kql_scale.kql_score.run([program, "query", "--batch"], cases)
    engine = clickhouses.engine(modern)
    theirs = kql_scale.kql_score.run([program, "query", "--batch", "--engine", engine], cases)
    refused = 0
    for q in queries:
        if "error" in theirs[q]:
            assert theirs[q]["error"]["code"] == "ML105", (q, theirs[q])
            refused += 1
            continue
        got, want = theirs[q]["result"]["tables"][0], ours[q]["result"]["tables"][0]
        assert kql_scale.same(got, want, False), (q, got["rows"], want["rows"])
    assert 5 < refused < len(queries) // 2


# --- what goes wrong ---


def test_user_and_password(program, shards):
    engine = clickhouses.engine(shards[0], "everywhere")
    good = engine.replace("://", "://guest:it%27s%205%20o%27clock@")
    assert query(program, good, "traces | count", "--format=csv").stdout.split() == ["Count", "240"]
    bad = query(program, engine.replace("://", "://guest:secret@"), "traces | count")
    assert bad.returncode == 1
    assert "refuses this user" in bad.stderr
    assert "user:password@host" in bad.stderr
    assert "secret" not in bad.stderr


def test_nobody_listens(program):
    port = clickhouses.free_port()
    done = query(program, f"clickhouse://me:secret@127.0.0.1:{port}/memline", "print 1")
    assert done.returncode == 1
    assert f"cannot reach ClickHouse at 'http://127.0.0.1:{port}" in done.stderr
    assert "secret" not in done.stderr


def test_the_server_s_words_are_shown(program, shards):
    done = query(program, clickhouses.engine(shards[0], "nowhere"), "traces | count")
    assert done.returncode == 1
    assert "kql: ClickHouse answers 404: Database nowhere doesn't exist\n" == done.stderr


LONG = "range x from 1 to 100000000 step 1 | extend s = tostring(x * 7919) | summarize dcount(s)"


def running(url: str) -> int:
    return int(
        clickhouses.ask(url, "SELECT count() FROM system.processes WHERE query_id LIKE 'memline-%'")
    )


def wait_until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_an_interrupt_ends_the_query_on_the_server_too(program, shards):
    command = [program, "query", "--engine", clickhouses.engine(shards[0], "everywhere"), LONG]
    asked = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(
        lambda: running(shards[0]) == 1 or asked.poll() is not None, "the query did not start"
    )
    asked.send_signal(signal.SIGINT)
    out, err = asked.communicate(timeout=120)
    assert (asked.returncode, out) == (1, ""), err
    assert err == "kql: the query was cancelled\n"
    wait_until(lambda: running(shards[0]) == 0, "the query goes on")


def test_a_time_limit_ends_the_query_on_the_server_too(program, shards):
    done = query(program, clickhouses.engine(shards[0], "everywhere"), LONG, "--timeout=0.5")
    assert done.returncode == 1
    assert "took too long" in done.stderr or "Timeout exceeded" in done.stderr
    wait_until(lambda: running(shards[0]) == 0, "the query goes on")


class Fake(BaseHTTPRequestHandler):
    """Answers as told: {text in the statement: (status, bytes)}."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, body = next(v for k, v in self.server.answers.items() if k in sql)
        self.send_response(status)
        self.end_headers()
        try:
            for at in range(0, len(body), 1 << 20):
                self.wfile.write(body[at : at + (1 << 20)])
        except OSError:
            pass  # the client has seen enough


@pytest.fixture
def fake() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.engine = f"clickhouse://127.0.0.1:{server.server_address[1]}/memline?version=26.9"
    yield server
    server.shutdown()
    server.server_close()


GUARD = "DB::Exception: memline: tolong of x: while executing 'FUNCTION f'. (X) (version 1)"
MEMORY = "Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)"
ANSWERS = [
    ((200, b"\0\1\2"), "ends within a row"),
    ((200, b"Code: 241. DB::Exception"), "ends within a row"),
    ((500, b"Code: 395. " + GUARD.encode()), "kql: not on ClickHouse: tolong of x\n"),
    (
        (500, f"Code: 241. DB::Exception: {MEMORY} (version 26.9)".encode()),
        f"ClickHouse answers 500: {MEMORY}\n",
    ),
    ((516, b"Code: 516. DB::Exception: no. (AUTHENTICATION_FAILED)"), "refuses this user"),
    ((401, b""), "refuses this user"),
    ((503, b"<html>busy</html>"), "ClickHouse answers 503: <html>busy</html>"),
    ((200, b"\0" + b"\1" * (80 << 20)), "larger than 67108864 bytes"),
]


@pytest.mark.parametrize(("answer", "says"), ANSWERS, ids=range(len(ANSWERS)))
def test_bad_answers_are_told(program, fake, answer, says):
    fake.answers = {"": answer}
    done = query(program, fake.engine, "print x = 1", "--memory=64")
    assert done.returncode == 1
    assert says in done.stderr


def test_what_is_no_clickhouse(program, fake):
    fake.answers = {"version()": (200, b"nginx\n")}
    done = query(program, fake.engine.partition("?")[0], "print x = 1")
    assert done.returncode == 1
    assert "is not ClickHouse" in done.stderr

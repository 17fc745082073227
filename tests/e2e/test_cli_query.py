"""`memline query` as people use it: several stores, what arrives, the prompt."""

import fcntl
import json
import os
import pty
import select
import subprocess
import termios
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

LIMIT_S = 60


def trace(message: str, **more: Any) -> Dict[str, Any]:
    row = {"itemType": "trace", "timestamp": "2024-01-02T03:04:05Z", "message": message}
    return {**row, **more}


@pytest.fixture
def fill(run: Callable[..., Any], memline_program: str, tmp_path: Path) -> Callable[..., None]:
    """fill("a.db", rows): puts rows into a store in the test's folder."""

    def put(store: str, rows: List[Dict[str, Any]]) -> None:
        (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
        run([memline_program, "import", "-q", "--store", store, "rows.jsonl"])

    return put


def take_terminal() -> None:
    """The terminal on standard input becomes the child's own, so that Ctrl-C reaches it."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Query:
    """A query that goes on, its output as it comes."""

    def __init__(self, command: List[str], folder: Path, terminal: bool = False) -> None:
        self.text = ""
        self.master, slave = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            command,
            cwd=str(folder),
            stdin=slave if terminal else subprocess.DEVNULL,
            stdout=slave,
            stderr=subprocess.STDOUT,
            preexec_fn=take_terminal if terminal else None,
            env={**os.environ, "HOME": str(folder), "TERM": "xterm", "NO_COLOR": "1"},
        )
        os.close(slave)

    def wait_for(self, wanted: str) -> str:
        """All output so far, once it has this text."""
        end = time.monotonic() + LIMIT_S
        while wanted not in self.text:
            assert time.monotonic() < end, f"no {wanted!r} in {self.text!r}"
            if select.select([self.master], [], [], 1)[0]:
                got = os.read(self.master, 65536).decode(errors="replace")
                assert got, f"no {wanted!r} in {self.text!r}"
                self.text += got
        return self.text

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def start(memline_program: str, tmp_path: Path) -> Iterator[Callable[..., Query]]:
    queries: List[Query] = []

    def begin(*arguments: str, terminal: bool = False) -> Query:
        queries.append(Query([memline_program, "query", *arguments], tmp_path, terminal))
        return queries[-1]

    yield begin
    for query in queries:
        query.stop()


def test_stores_are_united(
    run: Callable[..., Any], memline_program: str, fill: Callable[..., None], tmp_path: Path
) -> None:
    same = {"itemId": "11111111-2222-3333-4444-555555555555"}
    fill("a.db", [trace("one", **same), trace("two")])
    fill("b.db", [trace("one", **same)])
    fill("c.db", [])
    ask = [memline_program, "query", "--format", "csv"]
    count = "traces | summarize n = count(), ids = dcount(itemId), m = max(message)"
    assert run([*ask, "-s", "a.db", "-s", "b.db", count]).stdout == "n,ids,m\n3,2,two\n"
    assert run([*ask, "-s", "?.db", count]).stdout == "n,ids,m\n3,2,two\n"
    assert run([*ask, "-s", "b.db", count]).stdout == "n,ids,m\n1,1,one\n"
    named = [*ask, "-s", "?.db", "--store-column", "store"]
    done = run([*named, "traces | summarize n = count() by store | sort by store asc"])
    assert done.stdout == "store,n\na.db,2\nb.db,1\n"
    done = run([*named, "traces | where store startswith 'b' | project store, message"])
    assert done.stdout == "store,message\nb.db,one\n"
    done = run([*named, "AppTraces | where Message == 'two' | project store"])
    assert done.stdout == "store\na.db\n"
    done = run([*named, "search 'two' | project store, $table"])
    assert done.stdout == "store,$table\na.db,traces\n"


def test_what_cannot_be_united_is_told(
    run: Callable[..., Any], memline_program: str, fill: Callable[..., None]
) -> None:
    fill("a.db", [trace("one")])
    query = [memline_program, "query", "-s"]
    done = run([*query, "nothing*.db", "print 1"], status=1)
    assert "no store matches 'nothing*.db'" in done.stderr
    done = run([*query, "missing.db", "print 1"], status=1)
    assert "'missing.db'" in done.stderr
    done = run([*query, "a.db", "--store-column", "message", "print 1"], status=1)
    assert "has a column 'message' already" in done.stderr


def test_a_folder_stands_for_its_store(
    run: Callable[..., Any], memline_program: str, fill: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "app" / ".memline").mkdir(parents=True)
    fill("app/.memline/store.db", [trace("one")])
    done = run([memline_program, "query", "--format", "csv", "-s", "app", "traces | count"])
    assert done.stdout == "Count\n1\n"


def test_follow_prints_what_arrives_however_late(
    fill: Callable[..., None], start: Callable[..., Query]
) -> None:
    def row(text: str, age_s: float = 0) -> Dict[str, Any]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_s))
        return trace(text, timestamp=stamp)

    fill("s.db", [row("first"), row("other")])
    query = start("-s", "s.db", "--follow", "--format", "csv", "traces | project message")
    query.wait_for("first")
    fill("s.db", [row("second"), row("late", 120)])
    query.wait_for("second")
    query.wait_for("late")
    fill("s.db", [row("second"), row("last")])
    text = query.wait_for("last")
    assert sorted(text.split()) == ["first", "last", "late", "message", "other", "second", "second"]


def test_follow_prints_the_groups_that_changed(
    fill: Callable[..., None], start: Callable[..., Query]
) -> None:
    fill("s.db", [trace("a"), trace("a"), trace("b")])
    query = start(
        "-s", "s.db", "--follow", "--format", "json", "traces | summarize n = count() by message"
    )
    query.wait_for('{"message":"b","n":1}')
    fill("s.db", [trace("b")])
    text = query.wait_for('{"message":"b","n":2}')
    assert text.count('"message":"a"') == 1


def test_follow_reads_a_growing_file(start: Callable[..., Query], tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_text('{"n":1}\n')
    query = start("-t", "log=app.jsonl", "--follow", "--format", "csv", "log | where n > 0")
    query.wait_for("1\n")
    with log.open("a") as f:
        f.write('{"n":22}\n{"n":-5}\n')
    assert query.wait_for("22\n").split() == ["n", "1", "22"]


def test_the_prompt(fill: Callable[..., None], start: Callable[..., Query], tmp_path: Path) -> None:
    fill("s.db", [trace("hello"), trace("world")])
    prompt = start("-s", "s.db", terminal=True)
    prompt.wait_for("kql> ")
    prompt.type("print x = 6 * 7;\n")
    prompt.wait_for("42")
    prompt.type("traces\n")
    prompt.wait_for("...> ")
    prompt.type("| count\n\n")
    prompt.wait_for("(1 row)")
    prompt.type("traces\n| where mesage == 'x'\n\n")
    prompt.wait_for("unknown column 'mesage' at line 2, column 9")
    prompt.wait_for("did you mean 'message'?")
    prompt.type("trac\t | where mess\t == 'wor' + 'ld'\n\n")
    prompt.wait_for("not defined")
    prompt.type("trac\t | where mess\t == 'world' | project m = toupp\t(message);\n")
    prompt.wait_for("WORLD")
    prompt.type("print nonsense\x03")
    prompt.type(
        "range x from 1 to 90000000 step 1 | where tostring(x) matches regex '9.*8.*7' | count;\n"
    )
    prompt.wait_for("| count;\r\n")
    time.sleep(0.5)  # into the query, which takes half a minute
    prompt.type("\x03")
    prompt.wait_for("cancelled")
    prompt.type("print x = 7 * 11;\n")
    prompt.wait_for("77\r\n(1 row)\r\nkql> ")
    prompt.type("\x04")
    assert prompt.process.wait(LIMIT_S) == 0
    assert "6 * 7" in (tmp_path / ".memline_query_history").read_text().replace("\\040", " ")

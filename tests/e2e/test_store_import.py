"""Files into the store and out again; kills in between."""

import json
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable

ROW = {"itemType": "trace", "timestamp": "2024-01-02T03:04:05.1234567Z"}


def test_json_lines_are_imported_and_found(
    run: Callable[..., Any], memline_program: str, serve: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [dict(ROW, message=f"row {i}", severityLevel=i % 5) for i in range(1000)]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    done = run([memline_program, "import", "--store", "store.db", "rows.jsonl"])
    assert done.stdout == "rows.jsonl: 1000 rows\n"
    server = serve()
    assert server.rows("traces | summarize count(), max(timestamp)") == [
        [1000, "2024-01-02T03:04:05.1234567Z"]
    ]
    answer = server.ask("/v1/apps/x/query", {"query": "traces | take 3"})[1]
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    run([memline_program, "import", "--store", "again.db", "-q", "answer.json"])
    again = serve(store="again.db")
    assert again.rows("traces | count") == [[3]]


def test_what_is_refused_is_told(
    run: Callable[..., Any], memline_program: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + '\n{"message":"of no table"}\n')
    done = run([memline_program, "import", "--store", "s.db", "rows.jsonl"], status=1)
    assert "1 values refused; the first is value 2: it names no table" in done.stderr
    done = run([memline_program, "import", "--store", "s.db", "missing.jsonl"], status=1)
    assert "cannot import 'missing.jsonl'" in done.stderr
    done = run([memline_program, "import", "--table", "nothing", "rows.jsonl"], status=2)
    assert "there is no table 'nothing'" in done.stderr


def test_the_store_lies_in_the_project(
    run: Callable[..., Any], memline_program: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    run([memline_program, "import", "rows.jsonl"])
    run([memline_program, "import", "../../rows.jsonl"], cwd=tmp_path / "deep" / "er")
    assert (tmp_path / ".memline" / ".gitignore").read_text() == "*\n"
    with sqlite3.connect(str(tmp_path / ".memline" / "store.db")) as db:
        assert db.execute("SELECT count(*) FROM traces").fetchall() == [(2,)]


def test_a_book_becomes_lines(
    run: Callable[..., Any], memline_program: str, serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "def f():\n    return [0] * 1000\n\nfor i in range(7):\n    f()\n"
    )
    run(
        [memline_program, "run", "-o", "app.book", "--no-report", "app.py"],
        env={"MEMLINE_PYTHON": sys.executable},
    )
    run([memline_program, "import", "--store", "store.db", "app.book"])
    found = serve().rows("lines | where text has 'return' | project function, line, hits, command")
    assert [row[:3] for row in found] == [["f", 2, 7]]
    assert "app.py" in found[0][3]


def test_acknowledged_telemetry_survives_sigkill(serve: Callable[..., Any]) -> None:
    for round_ in range(3):
        server = serve(store=f"kill{round_}.db")
        acknowledged = [0]

        def send(server: Any = server, acknowledged: Any = acknowledged) -> None:
            data = {"baseType": "MessageData", "baseData": {"message": "m"}}
            body = [{"time": "2024-01-02", "data": data}] * 10
            try:
                while server.ask("/v2/track", body)[0] == 200:
                    acknowledged[0] += 10
            except OSError:
                pass

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.5 + 0.3 * round_)
        server.stop(signal.SIGKILL)
        for thread in threads:
            thread.join(30)
        again = serve(store=f"kill{round_}.db")
        found = again.rows("traces | count")[0][0]
        # Threads share the counter; it can only be too low.
        assert found >= acknowledged[0] > 0
        assert found % 10 == 0


def test_rows_are_kept_as_long_as_asked(
    run: Callable[..., Any], memline_program: str, serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW))
    run([memline_program, "import", "--store", "store.db", "rows.jsonl"])
    server = serve()
    assert server.rows("traces | count") == [[1]]
    server.stop()
    server = serve("--keep-days", "30")
    deadline = time.monotonic() + 10
    while server.rows("traces | count") != [[0]] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.rows("traces | count") == [[0]]

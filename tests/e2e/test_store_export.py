"""Rows out of the store: JSON lines and back, and two ClickHouse servers as shards."""

import json
from pathlib import Path
from typing import Any, Callable, Iterator, List

import clickhouses
import pytest

SUMS = [
    "count(*)",
    "sum(CASE WHEN severityLevel IS NULL THEN 1 ELSE 0 END)",
    "min(timestamp)",
    "max(timestamp)",
    "sum(length(message))",
    "sum(severityLevel)",
    "sum(length(customDimensions))",
]


def write_rows(path: Path, n: int) -> None:
    with path.open("w", encoding="utf-8") as f:
        for i in range(n):
            row = {
                "itemType": "trace",
                "timestamp": f"2024-02-{1 + i % 28:02d}T00:00:{i % 60:02d}.1234567Z",
                "message": f'row {i} é "q" \\ \n end',
                "severityLevel": None if i % 7 == 0 else i % 5,
                "customDimensions": {"i": i} if i % 3 else None,
            }
            f.write(json.dumps(row) + "\n")


def test_json_lines_come_back_as_they_were(
    run: Callable[..., Any], memline_program: str, tmp_path: Path
) -> None:
    write_rows(tmp_path / "rows.jsonl", 70000)  # more than a segment: sealed rows and a tail
    run([memline_program, "import", "-q", "-s", "a.db", "rows.jsonl"])
    run([memline_program, "export", "jsonl", "-s", "a.db", "-o", "a.jsonl"])
    run([memline_program, "import", "-q", "-s", "b.db", "a.jsonl"])
    run([memline_program, "export", "jsonl", "-s", "b.db", "-o", "b.jsonl"])
    first = sorted((tmp_path / "a.jsonl").read_text().splitlines())
    assert len(first) == 70000
    assert first == sorted((tmp_path / "b.jsonl").read_text().splitlines())
    row = json.loads(first[0])
    assert row["$table"] == "traces"
    assert row["message"].endswith(' é "q" \\ \n end')


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[List[str]]:
    """The addresses of two ClickHouse servers on loopback."""
    if clickhouses.no_shards():
        pytest.skip(clickhouses.no_shards())
    with clickhouses.two_shards(tmp_path / "servers") as urls:
        yield urls


def test_two_clickhouse_shards_get_every_row(
    run: Callable[..., Any], memline_program: str, shards: List[str], tmp_path: Path
) -> None:
    write_rows(tmp_path / "rows.jsonl", 150000)
    run([memline_program, "import", "-q", "-s", "a.db", "rows.jsonl"])
    export = [memline_program, "export", "clickhouse", "-s", "a.db", "-t", "traces"]
    for url in shards:
        export += ["--url", url]
    run(export)
    sums = f"SELECT {', '.join(SUMS)} FROM memline.traces"
    parts = [[int(cell) for cell in clickhouses.ask(url, sums).split("\t")] for url in shards]
    assert all(part[0] > 0 for part in parts)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").open(encoding="utf-8")]
    ticks = 638423424001234567  # 2024-02-01T00:00:00.1234567Z
    assert [sum(part[0] for part in parts), sum(part[1] for part in parts)] == [
        len(rows),
        sum(row["severityLevel"] is None for row in rows),
    ]
    assert min(part[2] for part in parts) == ticks
    assert sum(part[4] for part in parts) == sum(len(row["message"].encode()) for row in rows)
    assert sum(part[5] for part in parts) == sum(row["severityLevel"] or 0 for row in rows)
    again = run(export, status=1)
    assert "rows already" in again.stderr

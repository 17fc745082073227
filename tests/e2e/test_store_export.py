"""Rows out of the store: JSON lines and back, and two ClickHouse servers as shards."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

CONFIG = """<yandex><logger><level>warning</level><log>log</log><errorlog>err</errorlog></logger>
<http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><mark_cache_size>67108864</mark_cache_size>
<users_config>users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database></yandex>"""
USERS = """<yandex><profiles><default></default></profiles><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas></yandex>"""
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


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def ask(url: str, sql: str) -> str:
    with urllib.request.urlopen(url, data=sql.encode(), timeout=20) as reply:
        return str(reply.read().decode().strip())


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[List[str]]:
    """The addresses of two ClickHouse servers on loopback."""
    if shutil.which("clickhouse-server") is None:
        pytest.skip("there is no clickhouse-server (Debian: apt-get install clickhouse-server)")
    servers: List[Any] = []
    urls = []
    for name in ["one", "two"]:
        folder = tmp_path / name
        folder.mkdir()
        port = free_port()
        config = CONFIG.format(http=port, tcp=free_port(), folder=folder)
        (folder / "config.xml").write_text(config)
        (folder / "users.xml").write_text(USERS)
        command = ["clickhouse-server", "--config-file=config.xml"]
        out = (folder / "out").open("w")
        servers.append(subprocess.Popen(command, cwd=str(folder), stdout=out, stderr=out))
        urls.append(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    for url in urls:
        while True:
            try:
                ask(url, "SELECT 1")
                break
            except OSError:
                assert time.monotonic() < deadline, "ClickHouse did not start"
                time.sleep(0.2)
    yield urls
    for server in servers:
        server.terminate()
        server.wait(30)


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
    parts = [[int(cell) for cell in ask(url, sums).split("\t")] for url in shards]
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

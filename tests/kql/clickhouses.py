"""ClickHouse servers on loopback for tests: Debian's, as two shards of a cluster, and chdb's, which is a modern one."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]
USERS = """<yandex><profiles><default></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></default><guest><password>it's 5 o'clock</password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></guest></users><quotas><default></default></quotas></yandex>"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def config(folder: Path, http: int, tcp: int, shards: list[int]) -> str:
    nodes = "".join(
        f"<shard><replica><host>127.0.0.1</host><port>{p}</port></replica></shard>" for p in shards
    )
    return f"""<yandex><logger><level>warning</level><log>log</log><errorlog>err</errorlog></logger>
<http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><mark_cache_size>67108864</mark_cache_size>
<users_config>users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database>
<remote_servers><both>{nodes}</both></remote_servers></yandex>"""


def ask(url: str, sql: str) -> str:
    with urllib.request.urlopen(url, data=sql.encode(), timeout=60) as reply:
        return str(reply.read().decode().strip())


def wait_for(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            ask(url, "SELECT 1")
            return
        except OSError:
            assert process.poll() is None, "ClickHouse ended"
            assert time.monotonic() < deadline, "ClickHouse did not start"
            time.sleep(0.2)


def server_program() -> str | None:
    """Debian keeps it where the PATH of users does not look."""
    return shutil.which("clickhouse-server", path=os.environ.get("PATH", "") + ":/usr/sbin")


def no_shards() -> str:
    """Why there are none here; empty: there are."""
    if server_program() is None:
        return "there is no clickhouse-server (Debian: apt-get install clickhouse-server)"
    return ""


@contextlib.contextmanager
def two_shards(folder: Path) -> Iterator[list[str]]:
    """Addresses (http://...) of two servers that know each other as the cluster `both`."""
    ports = [(free_port(), free_port()) for _ in range(2)]
    servers = []
    try:
        for i, (http, tcp) in enumerate(ports):
            home = folder / f"shard{i}"
            home.mkdir(parents=True)
            (home / "config.xml").write_text(config(home, http, tcp, [t for _, t in ports]))
            (home / "users.xml").write_text(USERS)
            out = (home / "out").open("w")
            command = [server_program(), "--config-file=config.xml"]
            servers.append(subprocess.Popen(command, cwd=str(home), stdout=out, stderr=out))
        urls = [f"http://127.0.0.1:{http}" for http, _ in ports]
        for url, server in zip(urls, servers):
            wait_for(url, server)
        yield urls
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def scale_python() -> Path:
    return Path(os.environ.get("MEMLINE_SCALE_PYTHON") or ROOT / ".venvs/scale/bin/python")


def no_modern() -> str:
    """Why chdb is not here; empty: it is."""
    if not scale_python().exists():
        return "there is no chdb (make .venvs/scale/.chdb)"
    done = subprocess.run(
        [str(scale_python()), "-c", "import chdb"], capture_output=True, timeout=300
    )
    return "" if done.returncode == 0 else "chdb does not load here"


@contextlib.contextmanager
def modern(folder: Path) -> Iterator[str]:
    """The address of chdb behind ClickHouse's HTTP interface."""
    command = [str(scale_python()), str(ROOT / "tools/chdb_server.py"), str(folder / "chdb")]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )
    try:
        line = server.stdout.readline()
        assert line.startswith("ready "), "chdb did not start"
        yield f"http://127.0.0.1:{line.split()[1]}"
    finally:
        server.stdin.close()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def distribute(urls: list[str], database: str = "memline", over: str = "everywhere") -> None:
    """On each shard a database `over` whose tables are those of `database` on both."""
    for url in urls:
        ask(url, f"CREATE DATABASE IF NOT EXISTS {over}")
        for table in ask(url, f"SHOW TABLES FROM {database}").split():
            ask(
                url,
                f"CREATE TABLE IF NOT EXISTS {over}.{table} AS {database}.{table} "
                f"ENGINE = Distributed(both, {database}, {table})",
            )


def engine(url: str, database: str = "memline") -> str:
    return url.replace("http://", "clickhouse://") + "/" + database

# ruff: noqa: E501, UP031
"""The engines that stand beside memline, each in a process of its own.

engines.py load ENGINE FOLDER ROWS.jsonl     makes the engine's own file or folder, as its manual says it is quick
engines.py serve ENGINE FOLDER [--cold]      JSON lines {"sql", "kinds"} in, {"seconds", "cpu", "rows", ...} out

A query's seconds are those until its last row has been handed over in the cheapest complete form that the engine has:
DuckDB in Arrow batches, chdb in its format Null (all columns are computed, none is written), SQLite as rows of its
Python module. With "check" the rows are also taken as values, and told as a number that is the same for the same rows.
"""

import argparse
import hashlib
import json
import resource
import sqlite3
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterable, List, Tuple

from rows import COLUMNS, NOW

EPOCH = datetime(1970, 1, 1)
CHECK_LIST = 1000  # so many rows are told themselves, for a readable difference


def micros(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def cell(value: Any, kind: str) -> Any:
    if kind == "i":
        return int(value)
    if kind == "s":
        return str(value)
    if isinstance(value, datetime):
        return micros(value.replace(tzinfo=None))
    if isinstance(value, int):
        return value
    text = value.rstrip("Z").replace("T", " ")
    whole, _, fraction = text.partition(".")
    seconds = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    return int(seconds.timestamp()) * 10**6 + int((fraction + "000000")[:6])


def digest(rows: Iterable[Iterable[Any]], kinds: str) -> Tuple[int, str, List[Any]]:
    """How many rows, a sum over them that no order changes, and the rows if they are few."""
    n = 0
    total = 0
    few: List[Any] = []
    for row in rows:
        cells = [cell(v, k) for v, k in zip(row, kinds)]
        n += 1
        total += int.from_bytes(
            hashlib.blake2b(repr(cells).encode(), digest_size=8).digest(), "big"
        )
        if n <= CHECK_LIST:
            few.append(cells)
    return n, "%016x" % (total & (1 << 64) - 1), sorted(few) if n <= CHECK_LIST else []


# -- DuckDB --


class Duckdb:
    times = {
        "now": f"TIMESTAMP '{NOW}'",
        "day": f"TIMESTAMP '{NOW - timedelta(days=1)}'",
        "week": f"TIMESTAMP '{NOW - timedelta(days=7)}'",
    }

    def __init__(self, folder: Path, write: bool = False) -> None:
        import duckdb

        self.version = f"DuckDB {duckdb.__version__}"
        self.db = duckdb.connect(str(folder / "traces.duckdb"), read_only=not write)
        self.db.execute("SET preserve_insertion_order = true" if write else "SET TimeZone = 'UTC'")

    def load(self, source: Path) -> None:
        types = {c: "VARCHAR" for c in COLUMNS}
        types.update(timestamp="TIMESTAMP", severityLevel="INTEGER", itemCount="INTEGER")
        columns = ", ".join(f"{c}: '{t}'" for c, t in types.items())
        self.db.execute(
            f"CREATE TABLE traces AS SELECT * FROM read_json('{source}', format = 'newline_delimited', columns = {{{columns}}})"
        )
        self.db.close()

    def run(self, sql: str) -> int:
        return sum(batch.num_rows for batch in self.db.sql(sql).to_arrow_reader(65536))

    def values(self, sql: str, kinds: str) -> Iterable[Iterable[Any]]:
        cursor = self.db.execute(sql)
        while True:
            some = cursor.fetchmany(10000)
            if not some:
                return
            yield from some


# -- chdb --


class Chdb:
    times = {
        "now": f"toDateTime64('{NOW}', 6, 'UTC')",
        "day": f"toDateTime64('{NOW - timedelta(days=1)}', 6, 'UTC')",
        "week": f"toDateTime64('{NOW - timedelta(days=7)}', 6, 'UTC')",
    }

    def __init__(self, folder: Path, write: bool = False) -> None:
        import chdb
        from chdb import session

        self.version = f"chdb {chdb.__version__} (ClickHouse {chdb.engine_version})"
        self.session = session.Session(str(folder / "chdb"))
        if not write:
            self.session.query("USE bench")

    def load(self, source: Path) -> None:
        low = {
            "operation_Name",
            "cloud_RoleName",
            "cloud_RoleInstance",
            "appName",
            "sdkVersion",
            "itemType",
        }
        types = {c: "LowCardinality(String)" if c in low else "String" for c in COLUMNS}
        types.update(timestamp="DateTime64(6, 'UTC')", severityLevel="Int32", itemCount="Int32")
        columns = ", ".join(f"{c} {t}" for c, t in types.items())
        self.session.query("CREATE DATABASE bench")
        self.session.query(
            f"CREATE TABLE bench.traces ({columns}) ENGINE = MergeTree ORDER BY timestamp"
        )
        self.session.query(
            f"INSERT INTO bench.traces SELECT * FROM file('{source}', JSONEachRow, '{columns.replace(chr(39), chr(92) + chr(39))}') "
            "SETTINGS date_time_input_format = 'best_effort', max_insert_threads = 2"
        )
        self.session.query("OPTIMIZE TABLE bench.traces FINAL")
        self.session.close()

    def run(self, sql: str) -> int:
        self.session.query(sql, "Null")
        return -1

    def values(self, sql: str, kinds: str) -> Iterable[Iterable[Any]]:
        text = self.session.query(sql, "JSONCompactEachRow").bytes()
        for line in text.splitlines():
            yield json.loads(line)


# -- SQLite --


class Sqlite:
    times = {
        "now": str(micros(NOW)),
        "day": str(micros(NOW - timedelta(days=1))),
        "week": str(micros(NOW - timedelta(days=7))),
    }

    def __init__(self, folder: Path, write: bool = False) -> None:
        self.version = f"SQLite {sqlite3.sqlite_version}"
        self.db = sqlite3.connect(str(folder / "traces.sqlite"))
        # Quick for both: no journal while loading; the file mapped, a large cache, sorting in memory while asking.
        for pragma in (
            ("journal_mode = off", "synchronous = off")
            if write
            else (
                "query_only = on",
                f"mmap_size = {1 << 36}",
                "cache_size = -2000000",
                "temp_store = memory",
                "threads = 2",
            )
        ):
            self.db.execute("PRAGMA " + pragma)

    def load(self, source: Path) -> None:
        numbers = ("timestamp", "severityLevel", "itemCount")
        self.db.execute(
            "CREATE TABLE traces (%s)"
            % ", ".join(c + (" INTEGER" if c in numbers else " TEXT") for c in COLUMNS)
        )

        def rows() -> Iterable[List[Any]]:
            with source.open("rb") as f:
                for line in f:
                    o = json.loads(line)
                    o["timestamp"] = micros(datetime.fromisoformat(o["timestamp"][:-1]))
                    yield [o[c] for c in COLUMNS]

        self.db.executemany(f"INSERT INTO traces VALUES ({','.join('?' * len(COLUMNS))})", rows())
        self.db.execute("CREATE INDEX traces_timestamp ON traces (timestamp)")
        self.db.execute("ANALYZE")
        self.db.commit()
        self.db.close()

    def run(self, sql: str) -> int:
        n = 0
        for _ in self.db.execute(sql):
            n += 1
        return n

    def values(self, sql: str, kinds: str) -> Iterable[Iterable[Any]]:
        return self.db.execute(sql)


ENGINES = {"duckdb": Duckdb, "chdb": Chdb, "sqlite": Sqlite}


def peak_kib() -> int:
    """The process's highest resident memory since the last reset (or since it began)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def serve(engine: str, folder: Path) -> None:
    """The clock of a cold query begins before the file is opened, but after the module has been imported."""
    __import__({"sqlite": "sqlite3"}.get(engine, engine))
    if engine == "duckdb":
        import pyarrow  # noqa: F401
    opened = None
    for line in sys.stdin:
        ask = json.loads(line)
        cpu = time.process_time()
        begin = time.perf_counter()
        opened = opened or ENGINES[engine](folder)
        answer: dict[str, Any] = {"version": opened.version}
        if "sql" in ask:
            from queries import times

            sql = times(ask["sql"], opened.times)
            if ask.get("check"):
                answer["rows"], answer["digest"], answer["few"] = digest(
                    opened.values(sql, ask["kinds"]), ask["kinds"]
                )
            else:
                opened.run(sql)
        answer["seconds"] = time.perf_counter() - begin
        answer["cpu"] = time.process_time() - cpu
        answer["peak_kib"] = peak_kib()
        print(json.dumps(answer), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("load", "serve"))
    parser.add_argument("engine", choices=sorted(ENGINES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("source", nargs="?", type=Path)
    a = parser.parse_args()
    if a.verb == "serve":
        serve(a.engine, a.folder)
        return
    begin = time.perf_counter()
    ENGINES[a.engine](a.folder, write=True).load(a.source.resolve())
    print(f"{time.perf_counter() - begin:.1f}")


if __name__ == "__main__":
    main()

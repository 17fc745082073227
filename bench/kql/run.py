# ruff: noqa: E501, UP031
"""KQL over ten million traces: memline beside DuckDB, chdb and SQLite.

run.py --program build/memline --data FOLDER [--rows 10000000] [--rounds 5] [--engines duckdb,chdb,sqlite]
       [--queries NAME,...] [--cold-rounds 2] [--log FILE]

The rows are made and loaded into each engine's own file once a folder (some minutes, 20 GB). Then, for each query: every
engine must give the same rows, or the run fails; then rounds in which the engines take turns. An engine that
needs more than --slow seconds for a query sits out all rounds but two. Told are the least and the median, and by how much
memline is ahead: the median over rounds of peer / memline, of one round each.

Warm: one process an engine, its file read before. memline answers over HTTP, from `memline serve` (Kusto v2, all rows as
JSON), and its engine's own time is in the answer. Cold: a new process, and the file not in the page cache
(posix_fadvise); memline's time is then that of the whole process `memline query`, JSON included; a peer's begins after
its module has been imported.
"""

import argparse
import http.client
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from engines import digest
from queries import QUERIES, Query
from rows import NOW, VERSION

HERE = Path(__file__).resolve().parent
PEERS = ("duckdb", "chdb", "sqlite")


class Failed(Exception):
    pass


def prepare(data: Path, rows: int, program: str, python: str, engines: List[str]) -> None:
    """Make and load what is missing; the folder says for how many rows of which version it is."""
    data.mkdir(parents=True, exist_ok=True)
    stamp = data / "rows.txt"
    want = f"{rows} rows of version {VERSION}"
    if stamp.exists() and stamp.read_text() != want:
        raise SystemExit(f"{data} holds {stamp.read_text()}; remove it, or name another folder")
    stamp.write_text(want)
    source = data / "traces.jsonl"
    for engine in engines:
        done = data / f"{engine}.loaded"
        if done.exists():
            continue
        if not source.exists():
            print(f"making {rows} rows", flush=True)
            half = data / "traces.half"
            subprocess.run([python, str(HERE / "rows.py"), str(rows), str(half)], check=True)
            half.rename(source)
        print(f"loading {engine}", flush=True)
        command = [python, str(HERE / "engines.py"), "load", engine, str(data), str(source)]
        if engine == "memline":
            command = [program, "import", "-q", "-s", str(store(data)), "-t", "traces", str(source)]
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit(f"loading {engine} failed")
        done.write_text(
            json.dumps(
                {
                    "seconds": time.perf_counter() - begin,
                    "cpu": usage.ru_utime + usage.ru_stime,
                    "peak_kib": usage.ru_maxrss,
                }
            )
        )


def store(data: Path) -> Path:
    return data / "memline.db"


def files(data: Path, engine: str) -> List[Path]:
    if engine == "chdb":
        return [p for p in (data / "chdb").rglob("*") if p.is_file()]
    name = {"memline": "memline.db", "duckdb": "traces.duckdb", "sqlite": "traces.sqlite"}[engine]
    return [data / name]


def drop(data: Path, engine: str) -> None:
    for path in files(data, engine):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def cached_share(path: Path) -> Optional[float]:
    """How much of a file is in the page cache; None where fincore (util-linux) is missing."""
    try:
        out = subprocess.run(
            ["fincore", "-nb", "-o", "RES,SIZE", str(path)], capture_output=True, text=True
        )
        resident, size = out.stdout.split()
        return int(resident) / int(size)
    except (OSError, ValueError):
        return None


class Peer:
    def __init__(self, engine: str, data: Path, python: str) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / "engines.py"), "serve", engine, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.engine = engine

    def ask(self, **what: Any) -> Dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.engine} ended at {what}")
        answer: Dict[str, Any] = json.loads(line)
        return answer

    def run(self, q: Query) -> Dict[str, Any]:
        return self.ask(sql=q.text(self.engine))

    def check(self, q: Query) -> Dict[str, Any]:
        return self.ask(sql=q.text(self.engine), kinds=q.kinds, check=True)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


class Memline:
    """`memline serve`, asked in the Kusto protocol with now() set, since the rows end at NOW."""

    engine = "memline"

    def __init__(self, program: str, data: Path) -> None:
        self.process = subprocess.Popen(
            [program, "serve", "-s", str(store(data)), "-p", "0", "--query-timeout", "600"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert self.process.stdout
        for line in self.process.stdout:
            found = re.search(r"http://[^\s:]+:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                break
        else:
            raise Failed("memline serve did not start")

    def post(self, kql: str) -> bytearray:
        body = json.dumps(
            {
                "db": "traces",
                "csl": kql,
                "properties": {
                    "Options": {"query_now": f"{NOW.isoformat()}Z", "notruncation": True}
                },
            }
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=900)
        connection.request("POST", "/v2/rest/query", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        out = bytearray()
        block = bytearray(1 << 20)
        while True:
            n = reply.readinto(block)
            if n == 0:
                break
            out += memoryview(block)[:n]
        connection.close()
        if reply.status != 200:
            raise Failed(f"memline answered {reply.status}: {out[:500]!r}")
        return out

    def cpu(self) -> float:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(t.read_text().split()[0]) for t in tasks) / 1e9

    def peak_kib(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text).group(1))  # type: ignore[union-attr]

    def run(self, q: Query) -> Dict[str, Any]:
        cpu = self.cpu()
        begin = time.perf_counter()
        body = self.post(q.kql)
        seconds = time.perf_counter() - begin
        engine = re.search(rb'ExecutionTime\\":([\d.]+)', body[-20000:])
        assert engine, body[-2000:]
        return {
            "seconds": seconds,
            "engine": float(engine.group(1)),
            "cpu": self.cpu() - cpu,
            "bytes": len(body),
            "peak_kib": self.peak_kib(),
        }

    def check(self, q: Query) -> Dict[str, Any]:
        frames = json.loads(self.post(q.kql))
        if frames[-1]["HasErrors"]:
            raise Failed(json.dumps(frames[-1]))
        rows = next(f["Rows"] for f in frames if f.get("TableKind") == "PrimaryResult")
        n, total, few = digest(rows, q.kinds)
        return {"rows": n, "digest": total, "few": few}

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def check(q: Query, engines: List[Any]) -> int:
    """The same rows from all, or the end."""
    answers = {e.engine: e.check(q) for e in engines}
    first = answers["memline"]
    for name, answer in answers.items():
        if (answer["rows"], answer["digest"]) != (first["rows"], first["digest"]):
            for a, b in zip(first["few"], answer["few"]):
                if a != b:
                    print(f"memline: {a}\n{name}: {b}")
                    break
            raise Failed(
                f"'{q.name}': memline has {first['rows']} rows, {name} {answer['rows']}, and they differ"
            )
    return int(first["rows"])


def cold_memline(program: str, data: Path, q: Query) -> Dict[str, Any]:
    begin = time.perf_counter()
    with open(os.devnull, "wb") as sink:
        child = subprocess.Popen(
            [
                program,
                "query",
                "-s",
                str(store(data)),
                "--now",
                f"{NOW.isoformat()}Z",
                "--format",
                "json",
                q.kql,
            ],
            stdout=sink,
        )
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"memline query: exit {child.returncode}")
    return {
        "seconds": time.perf_counter() - begin,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_kib": usage.ru_maxrss,
    }


def show(seconds: Optional[float]) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def pair(values: List[float]) -> str:
    return f"{show(min(values))} / {show(statistics.median(values))}" if values else "-"


class Table:
    """All measurements: by query and engine, one entry a round."""

    def __init__(self, log: Optional[Path]) -> None:
        self.got: Dict[str, Dict[str, List[Dict[str, Any]]]] = {}
        self.log = log.open("a") if log else None

    def add(self, kind: str, query: str, engine: str, answer: Dict[str, Any]) -> None:
        self.got.setdefault(query, {}).setdefault(engine, []).append(answer)
        if self.log:
            print(
                json.dumps({"kind": kind, "query": query, "engine": engine, **answer}),
                file=self.log,
                flush=True,
            )

    def column(self, query: str, engine: str, field: str = "seconds") -> List[float]:
        return [a[field] for a in self.got.get(query, {}).get(engine, [])]

    def ahead(self, query: str, engine: str, field: str) -> str:
        ours, theirs = self.column(query, "memline", field), self.column(query, engine)
        ratios = [t / o for o, t in zip(ours, theirs)]
        return f"{statistics.median(ratios):.1f}x" if ratios else "-"

    def slow(self, query: str, engine: str, limit: float) -> bool:
        took = self.column(query, engine)
        return len(took) >= 2 and min(took) > limit


def print_row(cells: List[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def warm(
    a: argparse.Namespace, queries: List[Query], peers: List[str], log: Optional[Path]
) -> None:
    table = Table(log)
    engines: List[Any] = [Memline(a.program, a.data)] + [Peer(p, a.data, a.python) for p in peers]
    print("\nWarm: least / median. 'ahead' is peer over memline's engine, the median of rounds.\n")
    print_row(
        ["query", "rows", "memline, engine", "memline, HTTP"]
        + peers
        + [f"ahead of {p}" for p in peers]
    )
    print_row(["---"] * (4 + 2 * len(peers)))
    try:
        for q in queries:
            rows = check(q, engines)
            for _ in range(a.rounds):
                for e in engines:
                    if e.engine == "memline" or not table.slow(q.name, e.engine, a.slow):
                        table.add("warm", q.name, e.engine, e.run(q))
            print_row(
                [q.name, f"{rows:,}"]
                + [pair(table.column(q.name, "memline", f)) for f in ("engine", "seconds")]
                + [pair(table.column(q.name, p)) for p in peers]
                + [table.ahead(q.name, p, "engine") for p in peers]
            )
        print("\nProcessor time, least of rounds, of all threads:\n")
        print_row(["query", "memline"] + peers)
        print_row(["---"] * (2 + len(peers)))
        for q in queries:
            print_row(
                [q.name] + [show(min(table.column(q.name, e.engine, "cpu"))) for e in engines]
            )
        peaks = {
            e: max(max(table.column(q.name, e, "peak_kib")) for q in queries)
            for e in ["memline"] + peers
        }
        print(
            "\nHighest resident memory: "
            + ", ".join(f"{e} {p / 1024:,.0f} MiB" for e, p in peaks.items())
        )
    finally:
        for e in engines:
            e.close()


def cold(
    a: argparse.Namespace, queries: List[Query], peers: List[str], log: Optional[Path]
) -> None:
    table = Table(log)
    print("\nCold: a new process, file not in the page cache; least / median.\n")
    print_row(["query", "memline"] + peers + [f"ahead of {p}" for p in peers])
    print_row(["---"] * (2 + 2 * len(peers)))
    for q in queries:
        for _ in range(a.cold_rounds):
            drop(a.data, "memline")
            table.add("cold", q.name, "memline", cold_memline(a.program, a.data, q))
            for name in peers:
                drop(a.data, name)
                peer = Peer(name, a.data, a.python)
                table.add("cold", q.name, name, peer.run(q))
                peer.close()
        print_row(
            [q.name]
            + [pair(table.column(q.name, e)) for e in ["memline"] + peers]
            + [table.ahead(q.name, p, "seconds") for p in peers]
        )
    peaks = {
        e: max(max(table.column(q.name, e, "peak_kib")) for q in queries)
        for e in ["memline"] + peers
    }
    print(
        "\nHighest resident memory: "
        + ", ".join(f"{e} {p / 1024:,.0f} MiB" for e, p in peaks.items())
    )
    drop(a.data, "memline")
    share = cached_share(store(a.data))
    if share is not None:
        print(f"Of memline's file {share:.1%} stays in the page cache after dropping it.")


def environment(a: argparse.Namespace, peers: List[str]) -> None:
    versions = []
    for p in peers:
        peer = Peer(p, a.data, a.python)
        versions.append(peer.ask()["version"])
        peer.close()
    load = os.getloadavg()
    print(
        f"{a.rows:,} rows; {os.cpu_count()} processors, Linux {platform.release()}, load {load[0]:.1f} {load[1]:.1f}"
    )
    print(f"Python {platform.python_version()}; " + ", ".join(versions))
    for e in ["memline"] + peers:
        size = sum(p.stat().st_size for p in files(a.data, e))
        took = json.loads((a.data / f"{e}.loaded").read_text())
        print(
            f"{e:8} file {size / 2**20:8,.0f} MiB   loaded in {took['seconds']:6.1f} s "
            f"({took['cpu']:.1f} s of processor, at most {took['peak_kib'] / 1024:,.0f} MiB)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter that has the peers"
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold-rounds", type=int, default=2)
    parser.add_argument(
        "--slow", type=float, default=3.0, help="seconds; slower engines run twice only"
    )
    parser.add_argument("--engines", default=",".join(PEERS))
    parser.add_argument("--queries", help="names, or parts of them; all when not given")
    parser.add_argument("--log", type=Path, help="every measurement, as JSON lines")
    a = parser.parse_args()
    peers = [e for e in a.engines.split(",") if e]
    unknown = set(peers) - set(PEERS)
    if unknown:
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    wanted = (a.queries or "").split(",")
    queries = [q for q in QUERIES if any(w in q.name for w in wanted)]
    try:
        prepare(a.data, a.rows, a.program, a.python, ["memline"] + peers)
        environment(a, peers)
        if a.rounds > 0:
            warm(a, queries, peers, a.log)
        if a.cold_rounds > 0:
            cold(a, queries, peers, a.log)
        print(f"\nload at the end: {os.getloadavg()[0]:.1f}")
    except Failed as e:
        raise SystemExit(f"bench-kql: {e}") from e


if __name__ == "__main__":
    main()

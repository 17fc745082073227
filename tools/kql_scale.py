#!/usr/bin/env python3
"""Compare what ClickHouse answers with what our own engine does, query by query.

    tools/kql_scale.py [--corpus FILE] [--only old|modern] [--show mismatch|refuse|fail] -- build/memline

Servers: Debian's clickhouse-server as two shards with Distributed tables (old), and chdb behind ClickHouse's HTTP
interface (modern). Queries: the corpus of frozen answers, when it is there; the blocks of tests/kql; and those of
tests/kql/scale.kql over the tutorial's rows in an exported store. Each ends as ran (the same rows), refused (by name),
mismatch, or failed (an error of the server). Exit status 1 when there is a mismatch or a failure.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/kql"), str(ROOT / "tools")]
import blocks  # noqa: E402
import clickhouses  # noqa: E402
import kql_score  # noqa: E402

NOW = "2026-01-31T12:00:00Z"
REFUSED = ("ML105", "ML101", "ML102")


def own_cases() -> list[dict]:
    """The blocks of tests/kql that have an answer, and the queries over the store."""
    cases = []
    for path in sorted((ROOT / "tests/kql").glob("*.test")):
        for block in blocks.read_blocks(path):
            if not block.error:
                cases.append({"id": f"{path.stem}/{block.name}", "query": block.query})
    text = (ROOT / "tests/kql/scale.kql").read_text(encoding="utf-8")
    for i, query in enumerate(text.split("\n\n")):
        if query.strip():
            cases.append({"id": f"scale/{i + 1}", "query": query.strip()})
    return cases


def corpus_cases(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    return [c for c in cases if c["deterministic"]]


def log_rows() -> list[dict]:
    """Rows of the tutorial's kind: plain and padded profiler lines, and others with all that strings can hold."""
    texts = [
        "Filename: /home/x.py",
        "Filename: /home/two  blanks.py",
        "Line #    Mem usage    Increment  Occurrences   Line Contents",
        "     9     45.1 MiB     45.1 MiB           1   @m",
        "    19     45.1 MiB     45.1 MiB           1   @m",
        "   119    145.1 MiB      0.2 MiB          12       x",
        "  1019   1145.1 MiB     10.2 MiB           1       y",
        " 10019   1145.1 MiB     10.2 MiB           1       y",
        "19  45.1 MiB  45.1 MiB  1  @m",
        "19  45.1 MiB  0.2 MiB  1      x = [1] * 10",
        "Line #  Mem usage  Increment  Occurrences  Line Contents",
        "no match at all",
    ]
    others = [
        "timeout after 30s",
        "Time-out",
        "TIMEOUT_1",
        "a\\b'c\"d`e",
        "tab\there\nand a line",
        "café CAFÉ",
        "naïve—timeout",
        "",
        "über_timeout",
        "x=1, y=2",
        "😀 emoji",
    ]
    rows = []
    for i in range(240):
        profiler = i % 3 != 2
        message = (
            "memory_profiler_logs: " + texts[i % len(texts)]
            if profiler
            else others[i % len(others)]
        )
        dims = [
            None,
            {"host": f"h{i % 4}", "n": i, "ok": i % 2 == 0, "deep": {"a": [1, 2, {"b": "x"}]}},
            {"host": "it's", "n": str(i), "r": 1.5},
            {"host": "", "n": None, "list": ["a", "b"]},
        ][i % 4]
        day = f"2026-01-{28 + i % 4:02d}T{i % 24:02d}:{i % 60:02d}"
        rows.append(
            {
                "itemType": "trace",
                "timestamp": f"{day}:00.{i:07d}Z",
                "message": message,
                "severityLevel": None if i % 7 == 0 else i % 5,
                "customDimensions": dims,
                "cloud_RoleName": ["web", "Web", "job", ""][i % 4],
                "operation_Id": f"op{i // 3}",
                "itemId": f"id{i:04d}",
                "itemCount": 1,
            }
        )
        if i % 5 != 0:
            continue
        rows.append(
            {
                "itemType": "request",
                "timestamp": f"{day}:01Z",
                "id": f"r{i}",
                "name": f"GET /{i % 6}",
                "duration": None if i % 35 == 0 else i * 0.75,
                "resultCode": str(200 + i % 3 * 100),
                "success": i % 10 == 0,
                "operation_Id": f"op{i // 3}",
                "itemId": f"rq{i:04d}",
            }
        )
    return rows


def make_store(memline: str, folder: Path) -> Path:
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(r) + "\n" for r in log_rows()), encoding="utf-8")
    store = folder / "logs.db"
    subprocess.run([memline, "import", "-q", "-s", str(store), str(source)], check=True)
    return store


def export(memline: str, store: Path, urls: list[str]) -> None:
    command = [memline, "export", "clickhouse", "-s", str(store)]
    for url in urls:
        command += ["--url", url]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def same(got: dict, want: dict, ordered: bool) -> bool:
    columns = [(c["name"], c["type"]) for c in got["columns"]]
    if columns != [(c["name"], c["type"]) for c in want["columns"]]:
        return False
    rows = [kql_score.parsed(t["columns"], t["rows"]) for t in (got, want)]
    return kql_score.same_rows([t for _, t in columns], rows[0], rows[1], ordered)


def verdict(case: dict, answer: dict, ours: dict) -> tuple[str, str]:
    if "crash" in answer:
        return "failed", answer["crash"]
    if "error" in answer:
        code, text = answer["error"]["code"], answer["error"]["message"]
        known = code in REFUSED or (code != "ML210" and "error" in ours)
        return ("refused" if known else "failed"), f"{code} {text}"
    if "error" in ours:
        return "mismatch", "our engine refuses this: " + ours["error"]["message"]
    tables, own = answer["result"]["tables"], ours["result"]["tables"]
    if "rows" in case and not kql_score.judge(case, json.loads(json.dumps(own[0]))):
        why = kql_score.judge(case, json.loads(json.dumps(tables[0])))
        if why:
            return "mismatch", why
    ordered = case.get("ordered", False)
    if len(tables) != len(own) or not all(same(a, b, ordered) for a, b in zip(tables, own)):
        return "mismatch", "rows are not those of our engine"
    return "ran", ""


def compare(
    memline: str, engine: str, store: Path, cases: list[dict], show: str
) -> collections.Counter:
    options = [f"--now={NOW}"]
    ours = kql_score.run([memline, "query", "--batch", "-s", str(store), *options], cases)
    theirs = kql_score.run([memline, "query", "--batch", "--engine", engine, *options], cases)
    count: collections.Counter = collections.Counter()
    for case in cases:
        what, why = verdict(case, theirs[case["id"]], ours[case["id"]])
        count[what] += 1
        if what == show or what in ("mismatch", "failed"):
            print(f"--- {case['id']}: {what}: {why}\n{case['query']}")
            if what == "mismatch":
                for name, a in (("theirs", theirs), ("ours", ours)):
                    rows = json.dumps(a[case["id"]].get("result"), ensure_ascii=False)
                    print(f"  {name:6}", rows[:700])
    return count


@contextlib.contextmanager
def servers(only: str, folder: Path):
    """(addresses to load, address to ask, database)"""
    with contextlib.ExitStack() as stack:
        found = []
        missing = clickhouses.no_shards()
        if only != "modern" and missing:
            print("scale: old: left out:", missing)
        elif only != "modern":
            urls = stack.enter_context(clickhouses.two_shards(folder))
            found.append((urls, urls[0], "everywhere"))
        missing = clickhouses.no_modern()
        if only != "old" and missing:
            print("scale: modern: left out:", missing)
        elif only != "old":
            url = stack.enter_context(clickhouses.modern(folder))
            found.append(([url], url, "memline"))
        yield found


def main() -> int:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--corpus", type=Path)
    p.add_argument("--only", choices=["old", "modern"])
    p.add_argument("--show", choices=["mismatch", "refused", "failed"])
    p.add_argument("memline")
    args = p.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="memline-scale-") as temp, servers(
        args.only, Path(temp)
    ) as found:
        store = make_store(args.memline, Path(temp))
        sets = {"own cases": own_cases()}
        if args.corpus and args.corpus.exists():
            sets["corpus"] = corpus_cases(args.corpus)
        for urls, url, database in found:
            export(args.memline, store, urls)
            if database != "memline":
                clickhouses.distribute(urls, over=database)
            version = clickhouses.ask(url, "SELECT version()")
            for label, cases in sets.items():
                n = compare(
                    args.memline, clickhouses.engine(url, database), store, cases, args.show
                )
                bad += n["mismatch"] + n["failed"]
                print(
                    f"scale: ClickHouse {version}, {label}: {n['ran']} ran, {n['refused']} refused, "
                    f"{n['mismatch']} mismatch, {n['failed']} failed of {len(cases)}",
                    flush=True,
                )
        if not found:
            return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

# ruff: noqa: E501, UP031
"""The engine's quick ways over a store (packed blocks, dictionaries, pruning) against the plan as it was bound.

With --no-optimizer filters run over plain columns and every stage does all of its work; both must give the same rows.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from datetime import datetime, timedelta

import pytest

SEED = int(os.environ.get("MEMLINE_SEED", "0")) or random.randrange(1 << 30)
ROWS = 66_000  # more than a segment
NOW = datetime(2026, 3, 1)
WORDS = [
    "time",
    "Timeout",
    "out",
    "TIMEOUT",
    "a_timeout",
    "é",
    "timeouté",
    "Straße",
    "ok",
    "42",
    "",
    " ",
]


def message(r):
    if r.random() < 0.15:
        mark = r.choice(["log: ", "log:", "log: File: ", "Log: "])
        return mark + r.choice(["  ", " "]).join(r.choice(WORDS) for _ in range(r.randrange(7)))
    return r.choice([" ", "", "-"]).join(r.choice(WORDS) for _ in range(r.randrange(6)))


def row(r, i, now):
    when = now - timedelta(seconds=r.randrange(10 * 86400), microseconds=i)
    one = {
        "timestamp": when.isoformat() + "Z",
        "message": message(r),
        "operation_Name": r.choice(["Get", "Put", "get", "", "Time out"]),
        "operation_Id": "%05x" % r.randrange(9000) if r.random() < 0.9 else "",
        "itemId": "%06d" % i,
        "customDimensions": {"n": r.randrange(5)} if r.random() < 0.8 else None,
    }
    if r.random() < 0.9:
        one["severityLevel"] = r.randrange(-1, 5)
    return one


@pytest.fixture(scope="module")
def store(program, tmp_path_factory):
    """One and a bit sealed segments, and a tail."""
    folder = tmp_path_factory.mktemp("rows")
    r = random.Random(SEED)
    path = folder / "store.db"
    for name, first, n in (("many", 0, ROWS), ("few", ROWS, 500)):
        source = folder / f"{name}.jsonl"
        rows = (row(r, first + i, NOW) for i in range(n))
        source.write_text(
            "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in rows), encoding="utf-8"
        )
        subprocess.run([program, "import", "-q", "-s", path, "-t", "traces", source], check=True)
    return path


def ask(program, store, queries, *options):
    asked = "".join(json.dumps({"id": i, "query": q}) + "\n" for i, q in enumerate(queries))
    out = subprocess.run(
        [program, "query", "--batch", "-s", store, "--now", NOW.isoformat() + "Z", *options],
        input=asked,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
        timeout=300,
    ).stdout
    return [json.loads(line) for line in out.splitlines()]


def agree(program, store, queries, ordered=False):
    for q, a, b in zip(
        queries, ask(program, store, queries), ask(program, store, queries, "--no-optimizer")
    ):
        x, y = a["result"]["tables"], b["result"]["tables"]
        if not ordered:
            for t in x + y:
                t["rows"].sort(key=repr)
        assert x == y, (SEED, q)


NEEDLES = [
    "timeout",
    "Time",
    "é",
    "ß",
    "",
    " ",
    "log:",
    "log: File: ",
    "t",
    "zzz",
    "out Time",
    "42",
]
OPERATORS = ["has", "contains", "startswith", "endswith", "hasprefix", "hassuffix"]


def test_text_filters(program, store):
    queries = []
    for needle in NEEDLES:
        for op in OPERATORS + ["=="]:
            both = [op, "!" + op] if op != "==" else ["==", "!=", "=~", "!~"]
            for o in both + ([b + "_cs" for b in both] if op != "==" else []):
                for column in ("message", "operation_Name"):
                    queries.append(
                        f"traces | where {column} {o} {json.dumps(needle, ensure_ascii=False)}"
                        " | summarize count(), hash=sum(toint(itemId))"
                    )
    agree(program, store, random.Random(SEED).sample(queries, 150))


def test_filters_together(program, store):
    some = "summarize count(), sum(toint(itemId)), dcount(message)"
    agree(
        program,
        store,
        [
            f'traces | where severityLevel >= 3 and message has "timeout" | {some}',
            f'traces | where timestamp > ago(2d) and operation_Name == "Get" and message !contains "out" | {some}',
            f'traces | where timestamp between (ago(3d) .. ago(2d)) and operation_Name in ("Put", "get") | {some}',
            f'traces | where not(not(message startswith_cs "log:")) and isempty(operation_Id) | {some}',
            f'traces | where tolower(operation_Name) == "get" or message == "" | {some}',
            f'traces | where tolower(operation_Name) == "get" and message matches regex "t.m" | {some}',
            'traces | where message has "timeout" and rand() >= 0 | count',
            "traces | where customDimensions.n == 3 and severityLevel != 2 | count",
        ],
    )


PARSE = """
| where message startswith_cs "log:"
| parse message with "log: " a "  " b "  " c
| union (traces%s | where message startswith_cs "log: File: " | parse message with "log: File: " file | project timestamp, file, itemId)
| project timestamp, a=iff(file != "", file, a), b, c, itemId"""


def test_parse_and_union(program, store):
    agree(
        program,
        store,
        [
            "traces%s" % w + PARSE % w + tail
            for w in ("", " | where timestamp > ago(1d)")
            for tail in (
                "",
                " | count",
                " | summarize count() by b",
                " | where b has 'timeout' | project itemId",
            )
        ],
    )


def test_groups(program, store):
    agree(
        program,
        store,
        [
            "traces | summarize count() by bin(timestamp, 1h), severityLevel",
            "traces | summarize n=count(), last=max(timestamp), low=min(severityLevel) by operation_Id",
            "traces | summarize count(), max(itemId), min(message) by operation_Name, severityLevel",
            "traces | summarize count() by message",
            "traces | summarize sum(severityLevel), avg(severityLevel) by bin(severityLevel, 2), bin(timestamp, 1d)",
            "traces | where severityLevel == 77 | summarize count() by operation_Id",
            "traces | distinct operation_Name, severityLevel",
            "traces | summarize count() by level=tostring(customDimensions.n)",
            "traces | where severityLevel >= 3 | summarize e=count() by operation_Id | join kind=inner (traces "
            '| where message startswith_cs "log:" | project operation_Id, operation_Name) on operation_Id '
            "| summarize count(), sum(e) by operation_Name",
        ],
    )


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("nulls", ["first", "last"])
def test_top(program, store, order, nulls):
    """Ties stay in the order of the rows, in both; no two times are equal."""
    queries = [
        f"traces {where} | top {n} by {key} {order} nulls {nulls} | project itemId, k={key}"
        for where in (
            "",
            "| where severityLevel >= 3",
            '| where message has "timeout"',
            "| where severityLevel > 90",
        )
        for n in (1, 20, 5000)
        for key in (
            "timestamp",
            "itemId",
            "severityLevel",
            "operation_Id",
            "message",
            "strlen(message)",
        )
    ]
    queries += [
        f"traces | sort by severityLevel {order} nulls {nulls}, operation_Id, timestamp | take 50 | project itemId, message",
        f"traces | top 40 by timestamp {order} nulls {nulls} | project message | summarize count() by message",
        f"traces | extend k=severityLevel | project-away severityLevel | top 10 by k {order} nulls {nulls} | project k, itemId",
    ]
    agree(program, store, queries, ordered=True)

"""Random small tables through the engine and through the model; the seed is printed with a failure."""

from __future__ import annotations

import json
import os
import random

import blocks
import model
import pytest

SEED = int(os.environ.get("MEMLINE_SEED", "0")) or random.randrange(1 << 30)
ROUNDS = 40


def literal(value, kind):
    if value is None:
        return f"{kind}(null)"
    return json.dumps(value, ensure_ascii=False) if kind == "string" else str(value)


def table(names, rows):
    cells = ", ".join(literal(v, k) for r in rows for v, (_, k) in zip(r, names))
    return f"(datatable({', '.join(f'{n}:{k}' for n, k in names)})[{cells}])"


def same(answers, expected, note):
    for i, (answer, want) in enumerate(zip(answers, expected)):
        _, rows = blocks.table_of(answer)
        assert sorted(map(blocks.key, rows)) == sorted(blocks.key(list(w)) for w in want), (
            SEED,
            i,
            note[i],
        )


@pytest.fixture
def rng():
    return random.Random(SEED)


def pairs(rng, n):
    return [
        (rng.choice([None, 0, 1, 2, 3, -7]), rng.choice([None, *range(-5, 6)]))
        for _ in range(rng.randrange(n))
    ]


KV = [("k", "long"), ("v", "long")]


def test_where(program, rng):
    queries, expected = [], []
    for _ in range(ROUNDS):
        rows, value = pairs(rng, 30), rng.randrange(-5, 6)
        queries.append(f"{table(KV, rows)} | where v < {value}")
        expected.append(model.where_less(rows, 1, value))
        queries.append(f"{table(KV, rows)} | where not(v < {value})")
        expected.append(model.where_not_less(rows, 1, value))
        queries.append(f"{table(KV, rows)} | where v == {value}")
        expected.append(model.where_equal(rows, 1, value))
    same(blocks.run_batch(program, queries), expected, queries)


def test_summarize(program, rng):
    queries, expected = [], []
    for _ in range(ROUNDS):
        rows = pairs(rng, 60)
        queries.append(
            f"{table(KV, rows)} | summarize count(), sum(v), min(v), max(v), dcount(v) by k"
        )
        expected.append(model.group(rows, 0, 1))
    same(blocks.run_batch(program, queries), expected, queries)


@pytest.mark.parametrize(
    "kind",
    [
        "inner",
        "innerunique",
        "leftouter",
        "rightouter",
        "fullouter",
        "leftsemi",
        "leftanti",
        "rightsemi",
        "rightanti",
    ],
)
def test_join(program, rng, kind):
    queries, expected = [], []
    for _ in range(ROUNDS):
        left, right = pairs(rng, 20), pairs(rng, 20)
        queries.append(f"{table(KV, left)} | join kind={kind} {table(KV, right)} on k")
        expected.append(model.join(left, right, kind))
    same(blocks.run_batch(program, queries), expected, queries)


def test_top(program, rng):
    queries, expected = [], []
    for _ in range(ROUNDS):
        values = [v for _, v in pairs(rng, 40)]
        n, descending, first = rng.randrange(10), rng.random() < 0.5, rng.random() < 0.5
        queries.append(
            f"{table([('v', 'long')], [(v,) for v in values])} | top {n} by v "
            f"{'desc' if descending else 'asc'} nulls {'first' if first else 'last'}"
        )
        expected.append([(v,) for v in model.top(values, n, descending, first)])
    answers = blocks.run_batch(program, queries)
    for answer, want, query in zip(answers, expected, queries):
        assert [tuple(r) for r in blocks.table_of(answer)[1]] == want, (SEED, query)


def test_parse(program, rng):
    queries, expected = [], []
    for _ in range(ROUNDS):
        texts = [
            "".join(rng.choice(["p:", "  ", " ", "a", "é", "#"]) for _ in range(rng.randrange(12)))
            for _ in range(10)
        ]
        literals = ["p:", *rng.choice([["  "], ["  ", "#"], [" ", "a", " "]])]
        names = ["x", "y", "z"][: len(literals) - 1]
        pattern = (
            f'"{literals[0]}" '
            + " ".join(f'{n} "{lit}"' for n, lit in zip(names, literals[1:]))
            + " rest"
        )
        queries.append(
            f"{table([('s', 'string')], [(t,) for t in texts])} | parse s with {pattern}"
        )
        expected.append(
            [(t, *(model.parse_simple(t, literals) or [""] * len(literals))) for t in texts]
        )
    same(blocks.run_batch(program, queries), expected, queries)


def test_has(program, rng):
    queries, expected = [], []
    for _ in range(ROUNDS):
        texts = [
            "".join(
                rng.choice(["ab", "AB", "_", "-", "é", "1", " ", "x" * 17])
                for _ in range(rng.randrange(9))
            )
            for _ in range(20)
        ]
        needle = rng.choice(["ab", "a", "1", "b-", "_ab", "x1", "ab ab"])
        queries.append(
            f"{table([('s', 'string')], [(t,) for t in texts])} | where s has {json.dumps(needle)}"
        )
        expected.append([(t,) for t in texts if model.has(t, needle)])
    same(blocks.run_batch(program, queries), expected, queries)


def test_modulo_and_division(program, rng):
    queries, expected = [], []
    for _ in range(ROUNDS):
        rows = [
            (rng.choice([None, rng.randrange(-50, 50)]), rng.choice([None, *range(-4, 5)]))
            for _ in range(20)
        ]
        queries.append(f"{table(KV, rows)} | project m = k % v, d = k / v")
        expected.append([(model.modulo(a, b), model.divide(a, b)) for a, b in rows])
    same(blocks.run_batch(program, queries), expected, queries)


def test_many_batches_agree_with_one(program):
    """10,000 rows go through in several batches; the sums say whether any was lost or taken twice."""
    queries = [
        "range x from 1 to 10000 step 1 | where x % 3 != 0 | summarize count(), sum(x)",
        "range x from 1 to 10000 step 1 | extend k = x % 97 | summarize s = sum(x) by k | summarize count(), sum(s)",
        "range x from 1 to 10000 step 1 | join kind=inner (range x from 5000 to 15000 step 1) on x"
        " | summarize count(), sum(x)",
        "range x from 1 to 10000 step 1 | sort by x desc | extend n = row_number() | where n == 10000 | project n, x",
        "range x from 1 to 10000 step 1 | union (range x from 1 to 10000 step 1) | distinct x"
        " | summarize count(), sum(x)",
        "range x from 1 to 10000 step 1 | serialize p = prev(x)"
        " | where isnotnull(p) and x - p != 1 | summarize count(), sum(x)",
    ]
    kept = [x for x in range(1, 10001) if x % 3]
    both = range(5000, 10001)
    expected = [
        [(len(kept), sum(kept))],
        [(97, 50005000)],
        [(len(both), sum(both))],
        [(10000, 1)],
        [(10000, 50005000)],
        [(0, 0)],
    ]
    same(blocks.run_batch(program, queries), expected, queries)

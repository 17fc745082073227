"""A plain model of some operators, a few lines each: lists of tuples, None for null.

It knows nothing of blocks, vectors or hash tables; the engine must give the same multiset of rows.
"""

from __future__ import annotations

import collections
import math

KEEP, DROP = True, False


def equal(a, b):
    """KQL's ==: with one null false, with two null."""
    if a is None or b is None:
        return None if a is None and b is None else False
    return a == b


def less(a, b):
    return None if a is None or b is None else a < b


def where_equal(rows, i, value):
    return [r for r in rows if equal(r[i], value) is True]


def where_less(rows, i, value):
    return [r for r in rows if less(r[i], value) is True]


def where_not_less(rows, i, value):
    return [r for r in rows if less(r[i], value) is False]


def group(rows, key, value):
    """summarize count(), sum, min, max, dcount by key."""
    groups = collections.OrderedDict()
    for r in rows:
        groups.setdefault(r[key], []).append(r[value])
    out = []
    for k, values in groups.items():
        known = [v for v in values if v is not None]
        out.append(
            (
                k,
                len(values),
                sum(known),
                min(known, default=None),
                max(known, default=None),
                len(set(known)),
            )
        )
    return out


def join(left, right, kind):
    """Rows of two columns (key, value) on both sides; null keys match null keys."""
    by_key = collections.defaultdict(list)
    for r in right:
        by_key[r[0]].append(r)
    left_keys = {r[0] for r in left}
    if kind == "innerunique":
        first = {}
        for r in left:
            first.setdefault(r[0], r)
        return join(list(first.values()), right, "inner")
    if kind == "leftsemi":
        return [r for r in left if by_key[r[0]]]
    if kind == "leftanti":
        return [r for r in left if not by_key[r[0]]]
    if kind == "rightsemi":
        return [r for r in right if r[0] in left_keys]
    if kind == "rightanti":
        return [r for r in right if r[0] not in left_keys]
    out = [x + y for x in left for y in by_key[x[0]]]
    if kind in ("leftouter", "fullouter"):
        out += [x + (None, None) for x in left if not by_key[x[0]]]
    if kind in ("rightouter", "fullouter"):
        out += [(None, None) + y for y in right if y[0] not in left_keys]
    return out


def top(values, n, descending, nulls_first):
    """The keys that `top n by` gives, in order."""
    known = sorted((v for v in values if v is not None), reverse=descending)
    nulls = [None] * sum(v is None for v in values)
    return (nulls + known if nulls_first else known + nulls)[:n]


def parse_simple(text, literals):
    """Columns between literals that follow each other; the last takes the rest. None: no match."""
    if not text.startswith(literals[0]):
        return None
    at, found = len(literals[0]), []
    for literal in literals[1:]:
        end = text.find(literal, at)
        if end < 0:
            return None
        found.append(text[at:end])
        at = end + len(literal)
    return [*found, text[at:]]


def is_term_char(c):
    return c.isalpha() or c.isnumeric()


def has(text, needle):
    """Case-insensitive (ASCII) term search."""
    text, needle = text.lower(), needle.lower()
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        left = (
            not needle or not is_term_char(needle[0]) or at == 0 or not is_term_char(text[at - 1])
        )
        right = (
            not needle
            or not is_term_char(needle[-1])
            or end == len(text)
            or not is_term_char(text[end])
        )
        if left and right:
            return True
        at = text.find(needle, at + 1)
    return False


def modulo(a, b):
    return None if a is None or b is None or b == 0 else a % abs(b)


def divide(a, b):
    return (
        None if a is None or b is None or b == 0 else math.trunc(a / b) if abs(a) < 2**50 else None
    )

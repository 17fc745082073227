#!/usr/bin/env python3
"""Score the query engine against frozen results of the real one.

Runs every query of a corpus (JSON lines; format and comparison rules in the README beside it) through
`memline query --batch` and counts, over the deterministic cases: pass, refuse (a clear error) and
mismatch (a wrong answer). Exit status 1 when there is a mismatch or a crash.

    tools/kql_score.py --corpus ../shared/corpora/kql-dev.jsonl -- build/memline query --batch
"""

import argparse
import collections
import json
import math
import re
import subprocess
import sys


def ticks_of_timespan(text):
    m = re.fullmatch(r"(-)?(?:(\d+)\.)?(\d+):(\d+):(\d+)(?:\.(\d{1,7}))?", text)
    if not m:
        return None
    sign, days, hours, minutes, seconds, fraction = m.groups()
    value = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    value = value * 10_000_000 + int((fraction or "0").ljust(7, "0"))
    return -value if sign else value


def ticks_of_datetime(text):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?Z", text)
    return (m.group(1), (m.group(2) or "0").ljust(7, "0")) if m else None


def number(value):
    if isinstance(value, str):
        return (
            {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
            if value in ("NaN", "Infinity", "-Infinity")
            else float(value)
        )
    return float(value)


def close(a, b):
    try:
        x, y = number(a), number(b)
    except (TypeError, ValueError):
        return False
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y or abs(x - y) <= max(1e-12, 1e-9 * max(abs(x), abs(y)))


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same_json(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_json(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    if is_number(a) and is_number(b):
        return close(a, b)
    return type(a) is type(b) and a == b


def same_cell(kind, got, want):
    if got is None or want is None:
        return got is None and want is None
    if kind in ("real", "decimal"):
        return close(got, want)
    if kind == "datetime":
        return ticks_of_datetime(got) == ticks_of_datetime(want)
    if kind == "timespan":
        return ticks_of_timespan(got) == ticks_of_timespan(want)
    if kind == "guid":
        return got.lower() == want.lower()
    if kind == "dynamic":
        return same_json(got, want)
    return type(got) is type(want) and got == want


def same_type(got, want):
    if want == "integer":
        return got in ("int", "long")
    if want == "real" or want == "decimal":
        return got in ("real", "decimal")
    return got == want


def parsed(columns, rows):
    """Cells of dynamic columns are JSON text in this shape."""
    places = [i for i, c in enumerate(columns) if c["type"] == "dynamic"]
    for row in rows:
        for i in places:
            if isinstance(row[i], str):
                row[i] = json.loads(row[i])
    return rows


def same_rows(kinds, got, want, ordered):
    if len(got) != len(want):
        return False

    def equal(a, b):
        return all(same_cell(k, x, y) for k, x, y in zip(kinds, a, b))

    if ordered:
        return all(map(equal, got, want))
    left = list(got)
    for row in want:
        for i, other in enumerate(left):
            if equal(other, row):
                del left[i]
                break
        else:
            return False
    return True


def judge(case, table):
    """'' when the answer is right, else what is wrong with it."""
    got = [(c["name"], c["type"]) for c in table["columns"]]
    want = [(c["name"], c["type"]) for c in case["columns"]]
    if [n for n, _ in got] != [n for n, _ in want]:
        return f"names {[n for n, _ in got]} are not {[n for n, _ in want]}"
    exact = case["source"] != "kql-to-sql"
    for (name, g), (_, w) in zip(got, want):
        if not same_type(g, w) or (exact and w in ("real", "decimal") and g != w):
            return f"column {name} is {g}, not {w}"
    kinds = [w if w != "integer" else "long" for _, w in want]
    if not same_rows(kinds, parsed(table["columns"], table["rows"]), case["rows"], case["ordered"]):
        return "rows differ"
    return ""


def run(command, cases):
    """Answers by id. The engine is started again after a crash, without the query that killed it."""
    answers, at = {}, 0
    while at < len(cases):
        lines = "".join(json.dumps({"id": c["id"], "query": c["query"]}) + "\n" for c in cases[at:])
        done = subprocess.run(
            command, input=lines, capture_output=True, text=True, errors="replace"
        )
        out = [json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")]
        for answer in out:
            answers[answer["id"]] = answer
        at += len(out)
        if at < len(cases):
            answers[cases[at]["id"]] = {
                "crash": f"exit status {done.returncode}: {done.stderr[-300:]}"
            }
            at += 1
    return answers


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--corpus", required=True)
    p.add_argument("--show", choices=["mismatch", "refuse", "crash"], help="tell about these cases")
    p.add_argument("--only", help="only cases whose id has this text")
    p.add_argument("command", nargs="+")
    args = p.parse_args()
    with open(args.corpus, encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    if args.only:
        cases = [c for c in cases if args.only in c["id"]]
    answers = run(args.command, cases)
    count, told, reasons = collections.Counter(), [], collections.Counter()
    for case in cases:
        answer = answers[case["id"]]
        if "crash" in answer:
            verdict, why = "crash", answer["crash"]
        elif "error" in answer:
            verdict, why = "refuse", answer["error"]["code"] + " " + answer["error"]["message"]
            reasons[answer["error"]["message"]] += case["deterministic"]
        else:
            why = judge(case, answer["result"]["tables"][0])
            verdict = "mismatch" if why else "pass"
        if case["deterministic"] or verdict == "crash":
            count[verdict] += 1
            if verdict == args.show:
                told.append((case, answer, why))
    for case, answer, why in told:
        print(f"--- {case['id']}: {why}\n{case['query']}")
        if args.show == "mismatch":
            table = answer["result"]["tables"][0]
            print("  got ", json.dumps(table["rows"], ensure_ascii=False)[:600])
            print("  want", json.dumps(case["rows"], ensure_ascii=False)[:600])
    if args.show == "refuse":
        for text, n in reasons.most_common():
            print(n, text)
    total = sum(count.values())
    print(
        f"kql: {count['pass']} pass, {count['refuse']} refuse, {count['mismatch']} mismatch"
        + (f", {count['crash']} crash" if count["crash"] else "")
        + f" of {total} deterministic cases"
    )
    return 1 if count["mismatch"] or count["crash"] else 0


if __name__ == "__main__":
    sys.exit(main())

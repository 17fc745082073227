"""Parse log lines into records and add them up: string methods, a regular expression, dicts."""

import re

PATTERN = re.compile(r'(\S+) - - \[([^\]]+)\] "(\w+) (\S+)[^"]*" (\d{3}) (\d+)')
LINES = [
    f"10.0.{i % 7}.{i % 251} - - [22/Nov/2026:10:{i % 60:02}:00 +0000] "
    f'"GET /page/{i % 97}?q={i} HTTP/1.1" {(200, 200, 304, 404)[i % 4]} {i * 37 % 9000}'
    for i in range(20)
]


def parse_line(text):
    match = PATTERN.match(text)
    if match is None:
        return None
    host, when, method, target, status, size = match.groups()
    path, _, query = target.partition("?")
    arguments = {}
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        arguments[key] = value
    return {
        "host": host,
        "hour": when.split(":")[1],
        "method": method,
        "path": path,
        "arguments": arguments,
        "status": int(status),
        "size": int(size),
    }


def add_up(records):
    totals = {}
    for record in records:
        entry = totals.setdefault(record["path"], [0, 0])
        entry[0] += 1
        entry[1] += record["size"]
    return totals


def work(n):
    total = 0
    for _ in range(n):
        records = [parse_line(line) for line in LINES]
        totals = add_up(records)
        total += sum(size for _, size in totals.values())
    return total

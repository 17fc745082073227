# ruff: noqa: E501, UP031
"""The rows of the KQL benchmark: traces of a Functions app, as JSON lines, the same for every engine.

rows.py ROWS OUT [--processes N]

Ten days end at NOW, evenly filled; times rise and no two are equal (so that orders have one answer).
Requests follow each other: "Executing", some lines of the app, "Executed"; a request in 9 is profiled and
adds the lines of the profiler, padded as the original prints them or with two blanks between the columns,
which makes about a tenth of all rows. A chunk of rows depends on its number only.
"""

import argparse
import json
import multiprocessing
import random
import sys
from datetime import datetime, timedelta
from typing import Iterator, List, Tuple

VERSION = 1  # of what is made; data of another version are made anew
NOW = datetime(2026, 11, 27)
DAYS = 10
CHUNK = 50_000

COLUMNS = (
    "timestamp message severityLevel customDimensions operation_Name operation_Id operation_ParentId "
    "cloud_RoleName cloud_RoleInstance appName sdkVersion itemId itemType itemCount"
).split()

ROLES = ["orders-api", "billing", "mail-worker"]
FUNCTIONS = (
    "GetOrders PutOrder CancelOrder ListInvoices PayInvoice SendMail ResizeImage Search Login Report Sync Purge"
).split()
HOSTS = ["fe%02d-%08x" % (i, 0x9E3779B9 * (i + 1) & 0xFFFFFFFF) for i in range(6)]
STATEMENTS = [
    "def handler(req):",
    "    body = req.get_json()",
    "    rows = [parse(x) for x in body['rows']]",
    "    table = {}",
    "    for row in rows:",
    "        table.setdefault(row.key, []).append(row)",
    "    blob = client.read_blob(name)",
    "    frame = pd.read_csv(io.BytesIO(blob))",
    "    total = frame['amount'].sum()",
    "    return func.HttpResponse(str(total))",
]


def app_line(r: random.Random) -> Tuple[int, str]:
    """Severity and text of a line that the app logs."""
    n = r.random()
    if n < 0.30:
        return 1, f"Fetched {r.randrange(5000)} rows from table 'orders' in {r.randrange(900)} ms"
    if n < 0.48:
        return 1, f"cache {'hit' if n < 0.43 else 'miss'} for key user:{r.randrange(10**6)}:cart"
    if n < 0.62:
        return 0, f"GET https://api.example.com/v2/items/{r.randrange(10**7)}?expand=price 200 OK"
    if n < 0.74:
        return (
            1,
            f"Queue message {r.getrandbits(48):012x} dequeued, attempt {r.randrange(1, 4)} of 5",
        )
    if n < 0.84:
        return (
            1,
            f"User {r.randrange(10**5)} signed in from 10.{r.randrange(256)}.{r.randrange(256)}.7",
        )
    if n < 0.90:
        return (
            2,
            f"Slow query: {r.randrange(1000, 9000)} ms; SELECT * FROM invoices WHERE customer = {r.randrange(10**5)}",
        )
    if n < 0.93:
        return (
            2,
            f"Retry {r.randrange(1, 4)}: connection_timeout after {r.randrange(30)} s talking to redis-{r.randrange(4)}",
        )
    if n < 0.95:
        return (
            3,
            f"Timeout while waiting for blob lease {r.getrandbits(32):08x} (request_id={r.getrandbits(40):010x})",
        )
    if n < 0.96:
        return (
            3,
            f"Unhandled exception: ValueError: invalid literal for int() with base 10: 'q{r.randrange(1000)}'",
        )
    if n < 0.97:
        return 1, f"timeouts configured: connect={r.randrange(10)} read={r.randrange(60)}"
    return (
        1,
        f"Straße {r.randrange(100)}, Zürich: Lieferung für Kunde №{r.randrange(10**5)} geprüft",
    )


def profile(r: random.Random, name: str) -> List[str]:
    """What the profiler logs of one call."""
    padded = r.random() < 0.5
    head = "memory_profiler_logs: "
    lines = [head + f"Filename: /home/site/wwwroot/{name}/__init__.py"]
    if padded:
        lines.append(head + "Line #    Mem usage    Increment  Occurrences   Line Contents")
    else:
        lines.append(head + "Line #  Mem usage  Increment  Occurrences  Line Contents")
    total = 40 + 80 * r.random()
    for number, text in enumerate(STATEMENTS[: r.randrange(4, 11)], r.randrange(2, 300)):
        more = r.random() * 4 if r.random() < 0.3 else 0.0
        total += more
        hits = r.choice((1, 1, 1, 12, 1000))
        if padded:
            lines.append(
                head + f"{number:>6} {total:>8.1f} MiB {more:>8.1f} MiB  {hits:>10}   {text}"
            )
        else:
            lines.append(head + f"{number}  {total:.1f} MiB  {more:.1f} MiB  {hits}  {text}")
    return lines


def requests(r: random.Random) -> Iterator[List[Tuple[int, str, str]]]:
    """Requests without end: (severity, message, the part of a row that all rows of the request share)."""
    while True:
        name = r.choice(FUNCTIONS)
        host = r.randrange(len(HOSTS))
        call = f"{r.getrandbits(128):032x}"
        call = f"{call[:8]}-{call[8:12]}-{call[12:16]}-{call[16:20]}-{call[20:]}"
        shared = (
            f'"operation_Name":"{name}","operation_Id":"{r.getrandbits(128):032x}",'
            f'"operation_ParentId":"{r.getrandbits(64):016x}","cloud_RoleName":"{ROLES[host % 3]}",'
            f'"cloud_RoleInstance":"{HOSTS[host]}","appName":"shop","sdkVersion":"azurefunctions: 4.34.1",'
        )
        dimensions = (
            f'{{\\"Category\\":\\"Function.{name}.User\\",\\"HostInstanceId\\":\\"{HOSTS[host]}\\",'
            f'\\"InvocationId\\":\\"{call}\\",\\"LogLevel\\":\\"%s\\",\\"ProcessId\\":\\"{40 + host}\\"}}'
        )
        lines = [
            (
                1,
                f"Executing 'Functions.{name}' (Reason='This function was programmatically called via the host APIs.', Id={call})",
            )
        ]
        lines += [app_line(r) for _ in range(r.randrange(4, 12))]
        if r.random() < 0.115:
            lines += [(1, m) for m in profile(r, name)]
        result = "Succeeded" if r.random() < 0.98 else "Failed"
        lines.append(
            (
                1 if result == "Succeeded" else 3,
                f"Executed 'Functions.{name}' ({result}, Id={call}, Duration={r.randrange(2000)}ms)",
            )
        )
        yield [
            (s, m, shared + '"customDimensions":"' + dimensions % LEVELS[s] + '"') for s, m in lines
        ]


LEVELS = ["Debug", "Information", "Warning", "Error", "Critical"]


def chunk(job: Tuple[int, int, int]) -> bytes:
    """Rows first .. first + n of total, as JSON lines."""
    first, n, total = job
    r = random.Random(f"{VERSION}:{first}")
    step = DAYS * 86_400_000_000 // total  # microseconds
    start = NOW - timedelta(days=DAYS)
    out = []
    at = first
    end = first + n
    quote = json.dumps
    for request in requests(r):
        for severity, message, rest in request:
            if at == end:
                return "".join(out).encode()
            when = start + timedelta(microseconds=at * step + r.randrange(step) + 1)
            item = f"{r.getrandbits(128):032x}"
            item = f"{item[:8]}-{item[8:12]}-{item[12:16]}-{item[16:20]}-{item[20:]}"
            out.append(
                f'{{"timestamp":"{when.isoformat(timespec="microseconds")}Z","message":{quote(message, ensure_ascii=False)},'
                f'"severityLevel":{severity},{rest},"itemId":"{item}","itemType":"trace","itemCount":1}}\n'
            )
            at += 1
    raise AssertionError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("out")
    parser.add_argument("--processes", type=int, default=2)
    a = parser.parse_args()
    jobs = [(at, min(CHUNK, a.rows - at), a.rows) for at in range(0, a.rows, CHUNK)]
    with open(a.out, "wb") as f, multiprocessing.Pool(a.processes) as pool:
        for text in pool.imap(chunk, jobs):
            f.write(text)


if __name__ == "__main__":
    sys.exit(main())

"""The heap of every invocation: `memline func start --profile heap`, and what is left behind."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List

from e2e_apps import python_with_memline

HEAP = re.compile(r"heap ([+-][\d.]+ \w+) \(peak ([\d.]+ \w+), left (-?[\d.]+ \w+)\)")
UNITS = {"B": 1, "KiB": 1024, "MiB": 1 << 20}


def size(text: str) -> float:
    number, unit = text.split()
    return float(number) * UNITS[unit]


def ask(program: str, root: Any, query: str) -> List[Any]:
    done = subprocess.run(
        [program, "query", "--format", "json", query],
        cwd=str(root),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)["tables"][0]
    names = [column["name"] for column in table["columns"]]
    return [dict(zip(names, row)) for row in table["rows"]]


def test_concurrent_invocations_never_mix(
    start_app: Callable[..., Any], memline_program: str
) -> None:
    host = start_app("heap", "--profile", "heap", python=python_with_memline(["azure-functions"]))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: host.get("/api/leak").status, range(48)))
    assert answers == [200] * 48
    assert host.get("/api/fine").text == "500"
    lines = host.wait_for(r"Executed 'Functions.fine'")
    fine = HEAP.search(lines[0])
    assert fine
    assert abs(size(fine[2]) - 500 * 1057) < 60_000  # the list of blocks
    leaks = [HEAP.search(line) for line in re.findall(r"Executed 'Functions.leak'.*", host.output)]
    assert len(leaks) == 48
    settled = leaks[8:]  # the first ones make what libraries keep
    for leak in settled:
        assert leak
        assert abs(size(leak[2]) - 1_100_114) < 120_000  # its own peak, whatever runs beside it
        assert abs(size(leak[3]) - 100_057) < 12_000  # what it leaves behind
    named = host.wait_for(r"memline: 'leak' leaves memory behind")[0]
    assert "function_app.py:12 in leak still holds 97." in named
    host.stop()
    rows = ask(
        memline_program,
        host.root,
        "lines | where function == 'leak' and line in (10, 12) | summarize n=count(), held=sum(held), "
        "allocated=sum(allocated) by line, text | order by line asc",
    )
    first, second = rows
    assert (first["line"], first["n"], first["held"]) == (10, 48, 0)
    assert first["allocated"] - 48 * 1_000_057 in range(48 * 100)
    assert (second["line"], second["n"]) == (12, 48)
    assert 0 <= second["held"] - 48 * 100_057 < 20_000
    assert second["text"] == "CACHE.append(bytearray(100_000))"
    rows = ask(
        memline_program,
        host.root,
        "requests | where name == 'leak' | extend m = todynamic(customMeasurements) "
        "| summarize n=countif(tolong(m['memline.heapHeld']) > 100000)",
    )
    assert rows[0]["n"] >= 40
    rows = ask(
        memline_program,
        host.root,
        "traces | where message startswith 'Executed' and isnotempty(customDimensions['memline.heapPeak'])"
        " | count",
    )
    assert rows[0]["Count"] == 49


def test_samples_are_cheap_enough_to_stay_on(
    start_app: Callable[..., Any], memline_program: str
) -> None:
    host = start_app("heap", "--profile", "sample", python=python_with_memline(["azure-functions"]))
    for _ in range(40):
        assert host.get("/api/leak").status == 200
    host.wait_for(r"Executed 'Functions.leak'")
    host.stop()
    rows = ask(
        memline_program,
        host.root,
        "lines | where function == 'leak' | summarize sum(allocated)",
    )
    # 40 times 1.1 MB in blocks that are larger than the mean distance of samples: nearly exact.
    assert abs(rows[0]["sum_allocated"] - 40 * 1_100_114) < 15_000_000

"""The heap benchmark: its tables say what the log says, its stand-in for pyperf runs what it is told to."""

import json
import os
import re
import sys
from pathlib import Path

HEAP = Path(__file__).resolve().parents[2] / "bench" / "heap"
ABOUT = {
    "about": True,
    "machine": "2 cores",
    "versions": {"memline": "0.1"},
    "at": 0.0,
    "load": 0.1,
}


def log_of(path, *said, python="3.11.7", build="new"):
    rows = [{**ABOUT, "python": python, "build": build}]
    rows += [{"python": python, "build": build, "load": 0.5, **s} for s in said]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def runs(row, tool, *bodies, cpu=1.0, peak=1024, disk=0):
    same = {"row": row, "tool": tool, "cpu": cpu, "peak_kib": peak, "disk": disk}
    return [{**same, "round": n, "body": body} for n, body in enumerate(bodies)]


def table(run, python, log):
    return run([python, HEAP / "table.py", log]).stdout


def lines(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def test_ratios_are_least_over_least_and_the_median_of_pairs(run, python, tmp_path):
    log = log_of(
        tmp_path / "log",
        *runs("w1_churn", "base", 0.1, 0.125, 0.1, peak=2048),
        *runs("w1_churn", "heap", 0.2, 0.15, 0.3, cpu=1.5, peak=2048 + 512, disk=3072),
    )
    text = table(run, python, log)
    body, cpu, memory, disk = lines(text, "| w1_churn")
    assert body == "| w1_churn | 100 ms (1.25) | 1.50 / 2.00 |"
    assert cpu == "| w1_churn | 1,000 ms | 1.50 / 1.50 |"
    assert memory == "| w1_churn | 2.0 MiB | +0.5 |"
    assert disk == "| w1_churn | 0.0 KiB | +3 |"
    assert "rounds: 3: orientation, no claims" in text and "Aims" not in text


def test_noisy_and_small_rows_are_in_no_sum(run, python, tmp_path):
    said = runs("w1_churn", "base", *[0.1] * 5) + runs("w1_churn", "sample", *[0.11] * 5)
    said += runs("w3_calls", "base", *[0.1] * 5) + runs("w3_calls", "sample", *[0.44] * 5)
    said += runs("w4_json", "base", 0.1, 0.14, 0.1, 0.1, 0.1) + runs(
        "w4_json", "sample", *[9.0] * 5
    )
    said += runs("w9_lines, 5000", "base", *[0.1] * 5)
    said += runs("w9_lines, 5000", "sample", *[9.0] * 5)
    text = table(run, python, log_of(tmp_path / "log", *said))
    assert lines(text, "| w4_json (noisy)")[0].endswith("| 90.00 / 90.00 |")
    assert lines(text, "| **geomean**")[0] == "| **geomean** |  | 2.20 / 2.20 |"
    assert lines(text, "| **max**")[0] == "| **max** |  | 4.40 / 4.40 |"
    assert lines(text, "| rows in these four")[0].endswith("| 2 |")
    assert "| sample: worst 1.05 | 4.40 (missed) |" in text
    assert "orientation" not in text


def test_memory_is_judged_by_the_share_of_the_heap(run, python, tmp_path):
    same = [0.1] * 5
    said = runs("w9_lines", "base", *same, peak=10 * 1024)
    said += runs("w9_lines", "heap", *same, peak=14 * 1024)
    said += runs("w2_retain", "base", *same, peak=50 * 1024)
    said += runs("w2_retain", "heap", *same, peak=66 * 1024)
    text = table(run, python, log_of(tmp_path / "log", *said))
    told = "| heap: 25% of the heap + 5 MiB | missed by 1 of 2: w2_retain 16.0 of 15.0 |"
    assert told in text


def test_what_failed_is_told(run, python, tmp_path):
    late = {
        "row": "w1_churn",
        "tool": "scalene",
        "round": 0,
        "error": "more than 60 s",
        "late": True,
    }
    error = {"row": "w1_churn", "tool": "memray", "error": "OSError: no"}
    said = runs("w1_churn", "base", 0.1, 0.1) + [late, {**error, "round": 1}]
    said += runs("w1_churn", "memray", 0.2)
    said += [{"row": "w3_calls", "tool": t, "round": 0, "error": "lost"} for t in ("base", "heap")]
    text = table(run, python, log_of(tmp_path / "log", *said))
    assert lines(text, "| w1_churn")[0] == "| w1_churn | 100 ms (1.00) | - | 2.00 / 2.00 | > 60 s |"
    assert lines(text, "| w3_calls")[0].startswith("| w3_calls | failed | failed |")
    assert "- memray: `OSError: no`: w1_churn (round 2)" in text
    assert "- scalene: `more than 60 s`: w1_churn" in text
    assert "- heap: `lost`: w3_calls" in text


def test_only_the_newest_build_counts(run, python, tmp_path):
    old = log_of(tmp_path / "old", *runs("w1_churn", "base", 7.0), build="old")
    new = log_of(tmp_path / "new", *runs("w1_churn", "base", 0.1))
    new.write_text(old.read_text() + new.read_text())
    assert "| w1_churn | 100 ms" in table(run, python, new)


def test_accuracy_is_the_worst_line(run, python, tmp_path):
    known = {
        "accuracy": "leaks",
        "tool": "memray",
        "lines": [["held", 100, 101], ["held", 100, 80]],
    }
    none = {"accuracy": "temporary", "tool": "memray", "lines": [["peak", 100, None]]}
    text = table(run, python, log_of(tmp_path / "log", known, none))
    assert "| memray | - | not told | 20.00% |" in text


BENCHMARK = """
import pyperf
DATA = [1, 2, 3, 4]
N = 7

def timed(loops, *more):
    print("timed", loops, N, more)

def plain(data):
    print("plain", len(data))

if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.metadata["description"] = "x"
    runner.argparser.add_argument("which")
    print(runner.parse_args().which)
    runner.bench_time_func("timed", timed, "a", inner_loops=2)
    runner.bench_func("plain", plain, DATA)
"""


def stand_in(run, python, tmp_path, **told):
    script = tmp_path / "run_benchmark.py"
    script.write_text(BENCHMARK)
    env = {**os.environ, "PYTHONPATH": str(HEAP / "inside"), **told}
    done = run([python, script, "argument"], env=env)
    assert re.fullmatch(r"BODY \d+\.\d+ CPU \d+\.\d+ PEAK \d+\n", done.stderr)
    return done.stdout.splitlines()


def test_the_named_benchmark_runs_so_often(run, python, tmp_path):
    told = {"BENCH_NAME": "timed", "BENCH_LOOPS": "3", "BENCH_SMALLER": "N=2"}
    assert stand_in(run, python, tmp_path, **told) == ["argument", "timed 3 2 ('a',)"]
    told = {"BENCH_NAME": "plain", "BENCH_LOOPS": "2", "BENCH_SMALLER": "DATA=3"}
    assert stand_in(run, python, tmp_path, **told) == ["argument", "plain 3", "plain 3"]


def test_more_instructions_fail_and_fewer_are_told():
    sys.path.insert(0, str(HEAP))
    try:
        from count import judged
    finally:
        sys.path.remove(str(HEAP))
    assert judged(1.5, 1.5) == ("", False)
    assert judged(1.5, 1.4) == ("+7.1% to 1.4000", True)
    assert judged(1.4, 1.5) == ("-6.7% to 1.5000", False)
    assert judged(1.5, None) == ("not kept", True)

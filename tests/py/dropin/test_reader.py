"""Reading reports back: both spellings, the four-column form, logs (compat specification, 1.8)."""

import pytest
from dropin_blocks import block

BLANK = " " * 41  # what a blank line's row ends with

CASES = {
    "aligned": (
        """Filename: app.py

Line #    Mem usage    Increment  Occurrences   Line Contents
=============================================================
    12     46.5 MiB     46.5 MiB           1   @profile
    13                                         def load(n):
    14    -56.5 MiB    -10.0 MiB        1001       buf = bytearray(n)
    15BLANK

    16                                         # 5.0 MiB  3.0 MiB  1  of buffers


""".replace("BLANK", BLANK),
        [
            (12, 46.5, 46.5, 1, "@profile"),
            (13, None, None, None, "def load(n):"),
            (14, -56.5, -10.0, 1001, "    buf = bytearray(n)"),
            (15, None, None, None, ""),
            (16, None, None, None, "# 5.0 MiB  3.0 MiB  1  of buffers"),
        ],
    ),
    "0.58": (
        """Filename: app.py
Line #    Mem usage    Increment  Occurences   Line Contents
============================================================
    19     45.1 MiB     45.1 MiB           1   @memory_profiler.profile
    20                                         async def get(url: str):
    22     46.6 MiB      1.5 MiB          10           async with client.get(url) as r:
""",
        [
            (19, 45.1, 45.1, 1, "@memory_profiler.profile"),
            (20, None, None, None, "async def get(url: str):"),
            (22, 46.6, 1.5, 10, "        async with client.get(url) as r:"),
        ],
    ),
    "four columns": (
        """Filename: example.py

Line #    Mem usage    Increment   Line Contents
================================================
     3    46.54 MB     46.54 MB    @profile
     4   100000000.25 MB   0.00 MB       42
""",
        None,
    ),
    "four columns of 0.57": (
        """Filename: example.py

Line #    Mem usage    Increment   Line Contents
================================================
     3     46.5 MiB     46.5 MiB   @profile
     5     54.2 MiB      7.6 MiB       a = [1] * (10 ** 6)
""",
        [
            (3, 46.5, 46.5, None, "@profile"),
            (5, 54.2, 7.6, None, "    a = [1] * (10 ** 6)"),
        ],
    ),
    "log, two blanks": (
        """other: noise
memory_profiler_logs: Filename: /home/x.py
memory_profiler_logs: Line #  Mem usage  Increment  Occurrences  Line Contents
memory_profiler_logs: 19  45.1 MiB  45.1 MiB  1  @m
memory_profiler_logs: 20        def f():
memory_profiler_logs: 21  45.1 MiB  0.2 MiB  12      x = [1] * 10
other: noise
""",
        [
            (19, 45.1, 45.1, 1, "@m"),
            (20, None, None, None, "def f():"),
            (21, 45.1, 0.2, 12, "    x = [1] * 10"),
        ],
    ),
    "high precision, large lines": (
        """Filename: big.py
Line #    Mem usage    Increment  Occurrences   Line Contents
=============================================================
100000 46.500000 MiB 46.500000 MiB           1   def f():
100001 46.500000 MiB  0.000000 MiB  12345678901       pass
""",
        [
            (100000, 46.5, 46.5, 1, "def f():"),
            (100001, 46.5, 0.0, 12345678901, "    pass"),
        ],
    ),
}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[1]])
def test_rows_are_read(mp, name):
    text, rows = CASES[name]
    (report,) = mp.read_report(text)
    assert [tuple(row) for row in report.rows] == rows


def test_unit_of_the_oldest_versions(mp):
    (report,) = mp.read_report(CASES["four columns"][0])
    assert report.rows[0][:4] == (3, 46.54, 46.54, None)
    assert report.filename == "example.py"


def test_several_reports(mp):
    text = CASES["aligned"][0] + CASES["0.58"][0] + CASES["log, two blanks"][0]
    reports = mp.read_report(text)
    assert [report.filename for report in reports] == ["app.py", "app.py", "/home/x.py"]
    assert [len(report.rows) for report in reports] == [5, 3, 3]


def test_other_text_is_no_report(mp):
    assert mp.read_report("") == []
    assert mp.read_report("12 monkeys\n  13  46.5 MiB  1.0 MiB  1  x\n") == []


def test_what_we_print_is_read_back(mp, out):
    @mp.profile(stream=out, precision=3)
    def f(n):
        # a comment with 5.0 MiB  3.0 MiB  1  in it
        held = block(n)

        return len(held)

    f(50)
    rows = out.rows()
    assert abs(rows["held = block(n)"].increment - 50) < 0.5
    assert rows["return len(held)"].occurrences == 1
    assert rows["# a comment with 5.0 MiB  3.0 MiB  1  in it"].increment is None

"""`memline report`: what people see of books written by somebody else."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import books  # noqa: E402

MIB = 1 << 20

APP = '''import json
from pathlib import Path


def load(path):
    """Reads rows.

    A docstring
    of more lines
    than are shown
    among figures
    """
    rows = []
    for line in Path(path).read_text().splitlines():
        rows.append(json.loads(line))
    if not rows:
        raise ValueError("empty")
    return rows


class Index:
    def __init__(self, rows):
        self.rows = rows
        self.by_id = {r["id"]: r for r in rows}

    def drop(self):
        self.rows = None


def main():
    rows = load("rows.json")
    index = Index(rows)
    index.drop()
    del rows


main()
'''
CELL = 'x = [0] * 10**6\nprint("wide \u4e16\u754c,", 1)\n'


def app_records() -> List[bytes]:
    f = "app/main.py"
    return [
        books.meta("command", "app/main.py rows.json"),
        books.function(
            f,
            "<module>",
            1,
            37,
            [
                (1, 1, 140 * 4096, 19 * MIB),
                (2, 1, 0, 19 * MIB),
                (5, 1, 0, 19 * MIB),
                (21, 1, 4096, 19 * MIB),
                (30, 1, 0, 19 * MIB),
                (37, 1, -12 * MIB, 60 * MIB),
            ],
        ),
        books.function(
            f,
            "load",
            5,
            14,
            [
                (13, 1, 0, 19 * MIB),
                (14, 100001, 33 * MIB, 60 * MIB),
                (15, 100000, 4 * MIB + 40960, 90 * MIB),
                (16, 1, 0, 90 * MIB),
                (18, 1, 0, 90 * MIB),
            ],
        ),
        books.function(f, "Index", 21, 8, [(21, 1, 0, 19 * MIB), (22, 1, 0, 19 * MIB)]),
        books.function(
            f, "Index.__init__", 22, 3, [(23, 1, 0, 90 * MIB), (24, 1, 10 * MIB, 100 * MIB)]
        ),
        books.function(f, "Index.drop", 26, 2, [(27, 1, -12288, 100 * MIB)]),
        books.function(
            f,
            "main",
            30,
            5,
            [
                (31, 1, 37 * MIB, 90 * MIB),
                (32, 1, 10 * MIB, 100 * MIB),
                (33, 1, -12288, 100 * MIB),
                (34, 1, -30 * MIB, 60 * MIB),
            ],
        ),
        books.source("<ipython-input-1>", CELL),
        books.function(
            "<ipython-input-1>", "<module>", 1, 2, [(1, 1, 8 * MIB, 108 * MIB), (2, 1, 0, 7)]
        ),
        books.function("gone/lost.py", "lost", 7, 2, [(7, 3, 0, 10 * MIB)]),
    ]


def heap_records(**more) -> List[books.Record]:
    """The same run with exact figures: index kept 40 MiB, load made 33 MiB of rows for two requests."""
    a = books.Account
    ended = 1_800_000_000 * 10**9
    accounts = [
        a(None, alloc=3 * MIB, held=1 * MIB, count=900, own=1 * MIB, kind=books.OUTSIDE_KIND),
        a(None, alloc=70000, held=65536, count=2, kind=books.NATIVE_KIND),
        a(("<module>", 37), 1, 45 * MIB, 0, 90 * MIB, -12 * MIB),
        a(("main", 31), 1, 37 * MIB, 0, 60 * MIB, 37 * MIB, parent=3),
        a(("main", 32), 1, 10 * MIB, 0, 10 * MIB, 10 * MIB, parent=3),
        a(("main", 34), 1, -2 * MIB, -2 * MIB, 0, -30 * MIB, parent=3),
        a(("load", 14), 100001, 33 * MIB, 30 * MIB, 50 * MIB, 33 * MIB,
          80 * MIB, 200001, 30 * MIB, 1, 4),
        a(("load", 14), 0, 3 * MIB, 3 * MIB, 4 * MIB, 0, 8 * MIB, 20000, 3 * MIB, 2, 4),
        a(("load", 15), 100000, 4 * MIB, 4 * MIB, 4096, 4 * MIB,
          4 * MIB + 40960, 25, 2 * MIB + 40960, 1, 4),
        a(("Index.__init__", 24), 1, 10 * MIB, 10 * MIB, 10 * MIB, 10 * MIB,
          10 * MIB, 100100, 10 * MIB, 2, 5, maps=4096),
    ]  # fmt: skip
    scopes = [
        books.Scope(1, "request", "41", ended - 3 * 10**9, ended - 10**9,
                    34 * MIB, 52 * MIB, 84 * MIB, 32 * MIB),
        books.Scope(2, "request", "<b>42</b>", ended - 2 * 10**9, 0,
                    13 * MIB, 14 * MIB, 18 * MIB, 0, 1),
    ]  # fmt: skip
    moments = [
        (ended - (5 - i) * 10**9, (19 + 18 * i) * MIB, 9 * i * MIB, 50 * MIB) for i in range(6)
    ]
    live = sum(a.held for a in accounts)
    given = dict(live=live + 512, scopes=scopes, moments=moments, peak=90 * MIB, limit=256 * MIB)
    return books.heap_records(app_records(), accounts, **{**given, **more})


def sampled_records() -> List[books.Record]:
    """Samples of 1 in 64 KiB: a large block, many small ones, a few, one, and none."""
    a = books.Account
    rate = 65536

    def small(line: str, number: int, n: int, kept: int) -> books.Account:
        """n samples of blocks far smaller than the rate, of which some were not freed."""
        return a((line, number), 1, alloc=n * rate, held=kept * rate, count=n * 32, samples=n,
                 variance=float(n) * rate**2, freed_variance=float(n - kept) * rate**2,
                 weight=rate)  # fmt: skip

    accounts = [
        a(None, kind=books.OUTSIDE_KIND),
        a(None, kind=books.NATIVE_KIND),
        a(("main", 31), 1, alloc=40 * MIB, held=40 * MIB, count=1, samples=1, weight=40 * MIB),
        small("load", 14, 2000, 400),
        small("load", 15, 30, 3),
        small("Index.__init__", 24, 1, 1),
        a(("main", 33), 1),
    ]
    return books.heap_records(
        app_records(), accounts, live=65 * MIB, mode=books.SAMPLE, rate=rate, native=False
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(APP, encoding="utf-8")
    (tmp_path / "a.book").write_bytes(books.book(app_records()))
    (tmp_path / "heap.book").write_bytes(books.book(heap_records()))
    (tmp_path / "sampled.book").write_bytes(books.book(sampled_records()))
    (tmp_path / "cut.book").write_bytes(books.book(app_records(), complete=False, lost=2)[:-100])
    return tmp_path


def report(run, program, *words: str, **options):
    return run([program, "report", *words], **options)


# --- golden files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("listing.txt", ["a.book"]),
        ("net.txt", ["--sort", "net", "a.book"]),
        ("max.txt", ["--sort=max", "--unit=MiB", "a.book"]),
        ("hits.txt", ["-s", "hits", "-u", "B", "a.book"]),
        ("skip_zero.txt", ["--skip-zero", "a.book"]),
        ("min.txt", ["--min", "10MiB", "-uKiB", "a.book"]),
        ("color.txt", ["--color=always", "a.book"]),
        ("notes.txt", ["--min=1GiB", "cut.book"]),
        ("merged.txt", ["-z", "a.book", "a.book", "cut.book"]),
        ("report.json", ["--json", "a.book"]),
        ("heap.txt", ["heap.book"]),
        ("heap-held.txt", ["--sort", "held", "heap.book"]),
        ("heap-peak.txt", ["--sort", "peak", "-u", "KiB", "heap.book"]),
        ("heap-color.txt", ["--color=always", "-z", "heap.book"]),
        ("heap-scopes.txt", ["-s", "alloc", "-m", "4MiB", "--scopes", "heap.book"]),
        ("heap-merged.txt", ["-s", "max", "heap.book", "a.book", "heap.book"]),
        ("sampled.txt", ["-z", "sampled.book"]),
        ("sampled-alloc.txt", ["-s", "alloc", "sampled.book"]),
        ("heap.json", ["--json", "--scopes", "heap.book"]),
        ("sampled.json", ["--json", "-z", "-s", "held", "sampled.book"]),
        ("heap.csv", ["--csv", "heap.book"]),
        ("heap-scopes.csv", ["--csv", "--scopes", "heap.book"]),
        ("net.json", ["-f", "json", "-s", "net", "-z", "cut.book"]),
    ],
)
def test_report_reads_as_golden(run, program, golden, app, name, words):
    golden(f"report/{name}", report(run, program, *words).stdout)


# --- formats ------------------------------------------------------------------------------------


def test_json_tells_what_the_book_holds(run, program, app):
    told = json.loads(report(run, program, "--json", "a.book").stdout)
    lines = {(f["name"], r["line"]): r for f in told["functions"] for r in f["lines"]}
    assert told["format"] == "memline-report"
    assert told["version"] == 1
    assert told["meta"] == {"command": "app/main.py rows.json"}
    assert (told["pid"], told["complete"], told["truncated"], told["lost_functions"]) == (
        77,
        True,
        False,
        0,
    )
    assert lines["load", 15] == {
        "line": 15,
        "hits": 100000,
        "rss_net_bytes": 4 * MIB + 40960,
        "rss_max_bytes": 90 * MIB,
        "order": 3,
        "source": "        rows.append(json.loads(line))",
    }
    totals = {f["name"]: f["rss_net_bytes"] for f in told["functions"]}
    assert totals["main"] == 17 * MIB - 12288


def test_csv_can_be_read_back(run, program, app):
    text = report(run, program, "--csv", "a.book").stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    told = json.loads(report(run, program, "--json", "a.book").stdout)
    flat = [
        {
            "file": f["file"],
            "function": f["name"],
            **{k: str(v) for k, v in r.items()},
        }
        for f in told["functions"]
        for r in f["lines"]
    ]
    assert rows == flat
    assert any(r["source"] == 'print("wide \u4e16\u754c,", 1)' for r in rows)


def test_csv_ends_its_rows_as_the_standard_says(run, program, app):
    done = subprocess.run(
        [program, "report", "--csv", "a.book"], cwd=app, stdout=subprocess.PIPE, check=True
    )
    lines = done.stdout.split(b"\r\n")
    assert lines[-1] == b""
    assert not any(b"\n" in line for line in lines)


def test_formats_agree_on_the_order(run, program, app):
    told = list(
        csv.DictReader(io.StringIO(report(run, program, "-s", "net", "--csv", "a.book").stdout))
    )
    nets = [int(r["rss_net_bytes"]) for r in told]
    assert nets == sorted(nets, reverse=True)


# --- sources ------------------------------------------------------------------------------------


def one_line_report(run, program, tmp_path: Path, source: bytes, *words: str) -> str:
    (tmp_path / "s.py").write_bytes(source)
    n = source.count(b"\n") + source.count(b"\r")
    record = books.function("s.py", "f", n, 1, [(n, 1, 4096, 4096)])
    (tmp_path / "s.book").write_bytes(books.book([record]))
    return report(run, program, *words, "s.book").stdout


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (b"# -*- coding: latin-1 -*-\nx = '\xe9\xff'\n", "x = '\u00e9\u00ff'"),
        (b"#!/bin/x\n# vim: set fileencoding=ISO-8859-15 :\nx = '\xa4'\n", "x = '\u20ac'"),
        (b"# coding: koi8_r\nx = '\xc1'\n", "x = '\u0430'"),
        (b"# coding: shift_jis\nx = '\x90\xa2'\n", "x = '\u4e16'"),
        (b"# coding: no-such-thing\nx = '\xe9'\n", "x = '\ufffd'"),
        (b"# coding: latin-1//TRANSLIT\nx = '\xe9'\n", "x = '\u00e9'"),
        (b"x = 1\n# coding: latin-1\nx = '\xe9'\n", "x = '\ufffd'"),  # too late, says PEP 263
        (b"\xef\xbb\xbfx = '\xc3\xa9'\n", "x = '\u00e9'"),
        (b"x = '\xff\xfe \xc3'\n", "x = '\ufffd\ufffd \ufffd'"),
    ],
)
def test_sources_are_decoded_as_they_declare(run, program, tmp_path, source, shown):
    text = one_line_report(run, program, tmp_path, source)
    assert f"  {shown}\n" in text


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_line_ends_count(run, program, tmp_path, end):
    (tmp_path / "s.py").write_bytes(end.join([b"one = 1", b"two = 2", b"three = 3"]))
    record = books.function("s.py", "f", 1, 3, [(3, 1, 4096, 4096)])
    (tmp_path / "s.book").write_bytes(books.book([record]))
    lines = report(run, program, "s.book").stdout.splitlines()
    assert [line.split()[-3:] for line in lines if " = " in line] == [
        ["one", "=", "1"],
        ["two", "=", "2"],
        ["three", "=", "3"],
    ]


def test_a_source_cannot_steer_the_terminal(run, program, tmp_path):
    evil = b"x = '\x1b[2J\x07\xc2\x9b1m \xe2\x80\xae'\ty\n"
    record = books.function("s.py", "\x1b]0;f\x07", 1, 1, [(1, 1, 4096, 4096)])
    (tmp_path / "s.py").write_bytes(evil)
    (tmp_path / "s.book").write_bytes(books.book([record]))
    text = report(run, program, "s.book").stdout
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "x = '\ufffd[2J\ufffd\ufffd1m \ufffd'" in text


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/stdin", "pipe", "folder", "x" * 5000, "a\0b"])
def test_names_that_are_no_files_hang_nothing(run, program, tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "s.book").write_bytes(books.book([books.function(name, "f", 1, 1, [(1, 1, 0, 0)])]))
    assert "(source not found)" in report(run, program, "s.book", timeout=20).stdout


def test_a_source_changed_since_the_run_is_told(run, program, app):
    data = bytearray((app / "a.book").read_bytes())
    data[32:40] = (0).to_bytes(8, "little")  # started in 1970
    (app / "old.book").write_bytes(bytes(data))
    assert "app/main.py  (changed since the run" in report(run, program, "old.book").stdout
    assert "changed since" not in report(run, program, "a.book").stdout


# --- where it goes -------------------------------------------------------------------------------


def test_output_goes_to_a_file_as_a_whole(run, program, app):
    (app / "out.txt").write_text("old")
    done = report(run, program, "-o", "out.txt", "a.book")
    assert done.stdout == ""
    assert (app / "out.txt").read_text(encoding="utf-8") == report(run, program, "a.book").stdout
    assert not list(app.glob("out.txt.*"))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nonexistent/out.txt", "no such file or directory"),
        ("app", "is a directory"),
        ("/dev/full", "no space left on device"),
    ],
)
def test_output_that_cannot_be_written_is_told(run, program, app, path, reason):
    done = report(run, program, "-o", path, "a.book", status=1)
    assert f"memline: cannot write '{path}': {reason}" in done.stderr


def test_a_full_standard_output_is_a_failure(program, app):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [program, "report", "a.book"], cwd=app, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert "cannot write to standard output: no space left" in done.stderr


def test_a_closed_pipe_ends_it_as_every_tool(program, app):
    big = [books.function("s.py", f"f{i}", 1, 9, [(1, 1, 1, 1)]) for i in range(5000)]
    (app / "big.book").write_bytes(books.book(big))
    with subprocess.Popen(
        [program, "report", "big.book"], cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as p:
        p.stdout.read(100)
        p.stdout.close()
        assert p.wait(20) == -signal.SIGPIPE
        assert p.stderr.read() == b""


@pytest.mark.parametrize(
    ("env", "words", "colored"),
    [
        ({"NO_COLOR": ""}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "", "TERM": "dumb"}, [], False),
        ({"NO_COLOR": "1"}, ["--color=always"], True),
        ({"NO_COLOR": ""}, ["--color=never"], False),
        ({"NO_COLOR": ""}, ["-o", "/dev/stdout"], False),
    ],
)
def test_colors_on_a_terminal(program, app, env, words, colored):
    import pty

    main, side = pty.openpty()
    try:
        with subprocess.Popen(
            [program, "report", *words, "a.book"],
            cwd=app,
            env={**os.environ, "TERM": "xterm", **env},
            stdout=side,
        ) as p:
            os.close(side)
            seen = b""
            while True:
                try:
                    piece = os.read(main, 4096)
                except OSError:  # the other side is closed
                    break
                if not piece:
                    break
                seen += piece
            assert p.wait(20) == 0
    finally:
        os.close(main)
    assert (b"\033[" in seen) == colored
    assert b"largest net changes" in seen


def test_no_color_in_a_pipe(run, program, app):
    assert "\033" not in report(run, program, "a.book", env={"NO_COLOR": ""}).stdout


# --- which books ---------------------------------------------------------------------------------


def test_without_a_book_it_takes_the_newest(run, program, app):
    os.utime(app / "a.book", (1, 1))
    (app / "z.txt").write_text("no book")
    done = report(run, program, env={"MEMLINE_BOOKS": str(app)})
    assert f"memline: newest book is '{app}/cut.book'" in done.stderr
    assert "2 functions found no room" in done.stdout


def test_the_newest_comes_with_its_children(run, program, app):
    shelf = app / "shelf"
    shelf.mkdir()
    (shelf / "old.book").write_bytes(books.book(app_records()))
    os.utime(shelf / "old.book", (1, 1))
    for name in ("run.book", "run.book.4711", "run.book.4711.9"):
        (shelf / name).write_bytes(books.book(app_records()))
        os.utime(shelf / name, (2, 2))
    (shelf / "run.book.12").write_bytes(b"MEML")  # killed while it began; the newest of all
    env = {"MEMLINE_BOOKS": str(shelf)}
    done = report(run, program, env=env)
    assert done.stderr == (
        f"memline: newest book is '{shelf}/run.book'\n"
        f"memline: left out: cannot read book '{shelf}/run.book.12': it ends within its header\n"
    )
    assert "3 books, summed" in done.stdout
    (shelf / "run.book").unlink()
    assert "2 books, summed" in report(run, program, env=env).stdout
    (shelf / "run.book.4711").unlink()
    (shelf / "run.book.4711.9").unlink()
    assert "ends within its header" in report(run, program, env=env, status=1).stderr


def test_children_of_a_named_book_are_told(run, program, app):
    (app / "a.book.12").write_bytes(books.book([]))
    (app / "a.book.x").write_bytes(b"")
    done = report(run, program, "a.book")
    assert done.stderr == "memline: its child process wrote 1 more: memline report 'a.book'*\n"
    assert "2 books" in report(run, program, "a.book", "a.book.12").stdout


def test_the_folder_of_books_follows_the_environment(run, program, app):
    state = app / "state" / "memline"
    state.mkdir(parents=True)
    (state / "x.book").write_bytes(books.book([]))
    env = {"MEMLINE_BOOKS": "", "XDG_STATE_HOME": str(app / "state")}
    assert str(state / "x.book") in report(run, program, env=env).stderr
    (app / ".local").mkdir()
    (app / "state").rename(app / ".local" / "state")
    env = {"XDG_STATE_HOME": "", "HOME": str(app)}
    assert "/.local/state/memline/x.book" in report(run, program, env=env).stderr


def test_no_book_anywhere(run, program, tmp_path):
    done = report(run, program, status=1, env={"MEMLINE_BOOKS": str(tmp_path / "none")})
    assert done.stderr == (
        f"memline: no book in '{tmp_path}/none'\n  try: memline run app.py, or name the book\n"
    )
    done = report(run, program, status=1, env={"HOME": "", "XDG_STATE_HOME": ""})
    assert "there is no home folder" in done.stderr


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (b"", 1, "it ends within its header"),
        (b"import os\n", 1, "it is not a memline book"),
        (b"MEMLBOOK", 1, "it ends within its header"),
        (books.book([], version=9), 1, "it has format 9, this memline "),
        (books.book([b"\1\0\0\0\1\0\0\0" + bytes(24)]), 1, "damaged record at byte 4096"),
    ],
)
def test_what_is_no_book_is_told(run, program, tmp_path, data, status, text):
    (tmp_path / "x.book").write_bytes(data)
    done = report(run, program, "x.book", status=status)
    assert done.stdout == ""
    assert text in done.stderr
    assert "\n  try: " in done.stderr


def test_a_book_missing_among_several(run, program, app):
    done = report(run, program, "a.book", "b.book", status=1)
    assert done.stderr.startswith("memline: cannot open book 'b.book': no such file or directory\n")


FORMATS = "one of table, json, csv, html, pprof, speedscope, collapsed"

# --- wrong usage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "hint"),
    [
        (["--sort", "foo"], "option '--sort' cannot be 'foo'", "memline report --help"),
        (["--min", "3 parsecs"], "option '--min' cannot be '3 parsecs'", "memline report --help"),
        (["--min", "-1"], "option '--min' cannot be '-1'", "memline report --help"),
        (["--unit", "MB"], "option '--unit' cannot be 'MB'", "memline report --help"),
        (["--format", "xml"], "unknown report format 'xml'", FORMATS),
        (["--jsn"], "unknown option '--jsn'", "--json, or memline report --help"),
        (["--json=1"], "no value is taken by option '--json'", "memline report --help"),
        (["-q"], "unknown option '-q'", "memline report --help"),
        (["--sort"], "a value is missing after option '--sort'", "memline report --help"),
        (["--color", "x"], "takes one of auto, always, never, not 'x'", "memline report --help"),
    ],
)
def test_wrong_usage_is_told(run, program, words, text, hint):
    done = report(run, program, *words, status=2)
    assert done.stdout == ""
    assert text in done.stderr
    assert done.stderr.endswith(f"  try: {hint}\n")


def test_help_tells_every_format(run, program):
    hint = report(run, program, "--format", "?", status=2).stderr.split("one of ")[1]
    told = report(run, program, "--help").stdout.split("--format NAME")[1].split("--json")[0]
    assert all(name in told for name in hint.strip().split(", "))


def test_words_after_two_dashes_are_books(run, program, app):
    (app / "--json").write_bytes((app / "a.book").read_bytes())
    assert report(run, program, "--", "--json").stdout == report(run, program, "a.book").stdout


def test_many_functions_are_shown_in_no_time(run, program, tmp_path):
    lines = "".join(f"x{i} = {i}\n" for i in range(1, 100_001))
    (tmp_path / "big.py").write_text(lines)
    records = [books.function("big.py", "<module>", 1, 100_000, [(1, 1, 1, 1), (100_000, 1, 1, 1)])]
    records += [
        books.function("big.py", f"f{i}", 10 * i + 1, 10, [(10 * i + 3, 1, i, i)])
        for i in range(9_999)
    ]
    (tmp_path / "big.book").write_bytes(books.book(records))
    for words in (["-s", "net"], [], ["--json"], ["--csv"]):
        done = report(run, program, *words, "big.book", timeout=20)
        assert "x100000 = 100000" in done.stdout


def test_reading_many_books_shows_progress_on_a_terminal_only(program, run, tmp_path):
    import pty

    book = tmp_path / "one.book"
    rows = [(line, 1, 0, 1) for line in range(1, 100_001)]
    book.write_bytes(books.book([books.function("/a.py", "f", 1, 100_000, rows)]))
    many = [str(book)] * 60
    primary, terminal = pty.openpty()
    child = subprocess.Popen(
        [program, "report", "--json", *many], stdout=subprocess.DEVNULL, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(primary, 65536)
        except OSError:  # the terminal is closed
            break
        if not piece:
            break
        shown += piece
    os.close(primary)
    assert child.wait() == 0
    assert b"of 60" in shown
    assert shown.endswith(b"\r\x1b[K")

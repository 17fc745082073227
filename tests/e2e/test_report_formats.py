"""Reports for other tools and for the browser, read by decoders of our own and by the tools themselves."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple, Union

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import books  # noqa: E402
from test_cli_report import APP, MIB, app_records, heap_records  # noqa: E402

NASTY = '</script><script>document.title="hacked"</script><!--'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(APP, encoding="utf-8")
    (tmp_path / "heap.book").write_bytes(books.book(heap_records()))
    (tmp_path / "a.book").write_bytes(books.book(app_records()))
    nasty = [
        books.meta("command", NASTY),
        books.source("<" + NASTY + ">", f"x = '{NASTY}'\n\ufeff\x00\u2028\n"),
        books.function("<" + NASTY + ">", NASTY, 1, 2, [(1, 1, 0, MIB)]),
    ]
    account = books.Account((NASTY, 1), 1, MIB, MIB, MIB, 0, MIB, 1, MIB, 1)
    outside = books.Account(None, kind=books.OUTSIDE_KIND)
    scope = books.Scope(1, NASTY[:40], NASTY[:60], 1, 2, 3, 4, 5, 6)
    (tmp_path / "nasty.book").write_bytes(
        books.book(books.heap_records(nasty, [outside, account], live=MIB, scopes=[scope]))
    )
    return tmp_path


def made(run, program, folder: Path, name: str, *words: str) -> Path:
    run([program, "report", *words, "-o", name])
    return folder / name


# --- pprof: a decoder that knows nothing but the wire format and the numbers of profile.proto -----------


def varint(data: bytes, at: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data: bytes) -> Iterator[Tuple[int, Union[int, bytes]]]:
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at : at + value]
            assert at + value <= len(data)
            at += value
        else:
            assert key & 7 == 0, "neither varint nor bytes"
            yield key >> 3, value


def message(data: bytes) -> Dict[int, List[Any]]:
    result: Dict[int, List[Any]] = defaultdict(list)
    for number, value in fields(data):
        result[number].append(value)
    return result


def packed(data: bytes) -> List[int]:
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def decoded(path: Path) -> Dict[str, Any]:
    profile = message(gzip.decompress(path.read_bytes()))
    strings = [s.decode() for s in profile[6]]
    assert strings[0] == "" and len(set(strings)) == len(strings)
    functions = {}
    for f in map(message, profile[5]):
        functions[f[1][0]] = (strings[f[2][0]], strings[f[4][0]] if f[4] else "")
    locations = {}
    for location in map(message, profile[4]):
        (line,) = map(message, location[4])
        locations[location[1][0]] = (*functions[line[1][0]], line[2][0] if line[2] else 0)
    samples = []
    for s in map(message, profile[2]):
        labels = {}
        for label in map(message, s[3]):
            labels[strings[label[1][0]]] = strings[label[2][0]]
        path_ = [locations[i] for i in packed(s[1][0])]
        samples.append((path_, packed(s[2][0]), labels))
    types = [tuple(strings[t[n][0]] for n in (1, 2)) for t in map(message, profile[1])]
    return {"types": types, "samples": samples, "default": strings[profile[14][0]]}


def test_pprof_holds_every_byte_with_its_path_and_scope(run, program, folder):
    profile = decoded(made(run, program, folder, "p.pb.gz", "-f", "pprof", "heap.book"))
    assert profile["types"] == [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ]
    assert profile["default"] == "inuse_space"
    samples = profile["samples"]
    live = 3145728 + 30 * MIB + 2 * MIB + 40960 + 10 * MIB + MIB + 65536
    assert sum(values[3] for _, values, _ in samples) == live
    load = [s for s in samples if s[0][0] == ("load", "app/main.py", 15)]
    ((path, values, labels),) = load
    assert path[1:] == [("main", "app/main.py", 31), ("<module>", "app/main.py", 37)]
    assert values == [25, 4 * MIB + 40960, 25 - 25 * 2 * MIB // (4 * MIB + 40960), 2 * MIB + 40960]
    assert labels == {"request": "41"}
    assert ([("native threads", "", 0)], [2, 70000, 2, 65536], {}) in samples


@pytest.mark.timeout(330)
def test_pprof_opens_in_go_tool_pprof(run, program, folder):
    go = shutil.which("go")
    if go is None:
        pytest.skip("no go here")
    path = made(run, program, folder, "p.pb.gz", "--format=pprof", "heap.book")
    tool = [go, "tool", "pprof", "-lines", "-sample_index=alloc_space", "-top", str(path)]
    # The first time on a machine, go compiles the tool.
    done = subprocess.run(tool, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"88MB .* load app/main\.py:14", done.stdout)


def test_pprof_is_not_for_a_terminal_nor_of_a_book_without_heap(run, program, folder):
    done = run([program, "report", "-f", "pprof", "a.book"], status=1)
    assert "cannot make a pprof file: the book has no heap figures" in done.stderr
    assert "memline run --mode heap" in done.stderr


# --- speedscope and collapsed stacks ------------------------------------------------------------------------


def test_speedscope_fits_its_schema(run, program, folder):
    path = made(run, program, folder, "s.json", "-f", "speedscope", "heap.book")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = data["shared"]["frames"]
    for frame in frames:  # the schema's "Frame": name, and maybe file, line, col
        assert set(frame) <= {"name", "file", "line", "col"} and isinstance(frame["name"], str)
    assert [p["name"] for p in data["profiles"]] == ["bytes held", "bytes allocated"]
    for p in data["profiles"]:  # "SampledProfile": all of these, and no other
        assert set(p) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
        assert p["type"] == "sampled" and p["unit"] == "bytes"
        assert len(p["samples"]) == len(p["weights"])
        assert sum(p["weights"]) == p["endValue"] and p["startValue"] == 0
        assert all(0 <= i < len(frames) for sample in p["samples"] for i in sample)
    names = [[frames[i]["name"] for i in s] for s in data["profiles"][0]["samples"]]
    assert ["<module>:37", "main:32", "Index.__init__:24"] in names


def test_collapsed_stacks_are_what_flame_graph_tools_read(run, program, folder):
    done = run([program, "report", "-f", "collapsed", "-s", "alloc", "heap.book"])
    for line in done.stdout.splitlines():
        assert re.fullmatch(r"[^;]+(;[^;]+)* \d+", line)
    at = " (app/main.py:"
    assert f"<module>{at}37);main{at}31);load{at}14) {80 * MIB}" in done.stdout.splitlines()


def test_without_paths_lines_stand_under_their_function(run, program, folder):
    accounts = [
        books.Account(None, kind=books.OUTSIDE_KIND),
        books.Account(("load", 14), 1, alloc=5, count=1, held=5),
    ]
    flat = books.book(books.heap_records(app_records(), accounts, live=5))
    (folder / "flat.book").write_bytes(flat)
    done = run([program, "report", "-f", "collapsed", "flat.book"])
    assert done.stdout == "load (app/main.py);load (app/main.py:14) 5\n"


# --- the page -----------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """A browser's view of the page before its script runs: the scripts, and who is in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: List[str] = []
        self.scripts: List[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources = [v for k, v in attrs if k in ("src", "href")]
        assert self.sources == [], "something from elsewhere"
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def read(path: Path) -> Elements:
    page = Elements()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_a_page_is_whole_and_asks_for_nothing(run, program, folder):
    page = read(made(run, program, folder, "p.html", "--html", "heap.book"))
    data = json.loads(page.scripts[0])
    assert data["format"] == "memline-report"
    assert data["meta"] == {"command": "app/main.py rows.json"}
    assert {f["file"]: f["text"] for f in data["files"]}["app/main.py"] == APP
    assert len(data["accounts"]) == 10 and len(data["timeline"]) == 6 and len(data["scopes"]) == 2
    text = (folder / "p.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\"' )]*", page.scripts[1])) == {"http://www.w3.org/2000/svg"}


def test_names_and_sources_cannot_leave_their_place(run, program, folder):
    page = read(made(run, program, folder, "n.html", "--html", "nasty.book"))
    innocent = read(made(run, program, folder, "p.html", "--html", "heap.book"))
    assert page.tags == innocent.tags
    data = json.loads(page.scripts[0])
    assert data["meta"]["command"] == NASTY
    assert data["functions"][0]["name"] == NASTY
    assert NASTY in data["files"][0]["text"]


def chromium(path: Path, folder: Path, *words: str) -> str:
    """The page's elements after its script ran."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium here")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    flags += "--disable-background-networking --disable-component-update --disable-sync "
    flags += "--virtual-time-budget=5000"
    command = [program, *flags.split(), f"--user-data-dir={folder / 'browser'}", *words]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, timeout=110, check=False
    )
    return done.stdout.decode("utf-8", "replace")


def test_a_browser_draws_every_section(run, program, folder):
    dom = chromium(made(run, program, folder, "p.html", "--html", "heap.book"), folder)
    assert "<h1>app/main.py rows.json</h1>" in dom
    for section in ("lines", "source", "paths", "timeline", "scopes"):
        assert f'<section id="{section}"' in dom
    assert dom.count("<tr data-line=") == APP.count("\n")
    assert 'aria-sort="descending"' in dom
    assert "unexplained 512." in dom
    assert "request &lt;b&gt;42&lt;/b&gt;" in dom


def test_a_browser_shows_nasty_names_as_text(run, program, folder):
    dom = chromium(made(run, program, folder, "n.html", "--html", "nasty.book"), folder)
    assert "<title>hacked" not in dom
    assert "&lt;/script&gt;&lt;script&gt;" in dom


def test_a_page_of_line_figures_has_lines_and_source(run, program, folder):
    data = json.loads(read(made(run, program, folder, "a.html", "--html", "a.book")).scripts[0])
    assert "summary" not in data and "accounts" not in data and len(data["functions"]) == 8

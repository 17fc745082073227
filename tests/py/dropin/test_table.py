"""The text of reports, byte for byte (compat specification, 1.8)."""

import io
import shutil

import pytest

FIGURES = {
    3: (46.5, 46.5, 1),
    5: (10.0, 56.5, 1),
    6: (0.0, 56.5, 1001),
    8: (-1234.56789, 123456.789, 12345678901),
    10: (0.000123, 56.500123, 2),
}


class Profiler:
    """What show_results asks of a profiler."""

    def __init__(self, *blocks):
        self.code_map = self
        self.blocks = blocks

    def items(self):
        return iter(self.blocks)


@pytest.fixture
def golden(request, tmp_path, monkeypatch):
    """Reports that memory_profiler 0.61.0 printed for FIGURES, by precision."""
    folder = request.path.parent / "golden"
    # The last line of the source has no newline.
    shutil.copy(str(folder / "source.txt"), str(tmp_path / "source.txt"))
    monkeypatch.chdir(tmp_path)
    parts = (folder / "table.txt").read_text(encoding="utf-8").split("### precision ")[1:]
    return {int(part[0]): part[2:] for part in parts}


@pytest.mark.parametrize("precision", range(7))
def test_report_is_that_of_the_original(mp, golden, precision):
    stream = io.StringIO()
    rows = ((line, FIGURES.get(line)) for line in range(3, 11))
    mp.show_results(Profiler(("source.txt", rows)), stream, precision)
    assert stream.getvalue() == golden[precision]


def test_header_is_61_wide_and_columns_stand(mp, golden):
    stream = io.StringIO()
    mp.show_results(Profiler(("source.txt", [(7, None), (5, FIGURES[5])])), stream)
    lines = stream.getvalue().split("\n")
    assert lines[:2] == ["Filename: source.txt", ""]
    assert len(lines[2]) == 61
    assert lines[3] == "=" * 61
    assert lines[4] == "     7" + " " * 41  # a blank source line
    assert [lines[5].index(text) for text in ("5 ", "MiB", "buf")] == [5, 16, 51]
    assert lines[6:] == ["", "", ""]


def test_nothing_measured_nothing_written(mp):
    stream = io.StringIO()
    mp.show_results(Profiler(), stream)
    assert stream.getvalue() == ""


def test_one_write_for_each_part(mp, golden):
    class Parts(list):
        write = list.append

    parts = Parts()
    mp.show_results(Profiler(("source.txt", [(3, FIGURES[3]), (4, None)])), parts)
    assert [part.count("\n") for part in parts] == [2, 1, 1, 1, 1, 2]


def test_default_stream_is_stdout_of_the_moment(mp, golden, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    mp.show_results(Profiler(("source.txt", [(3, FIGURES[3])])))
    assert stream.getvalue().startswith("Filename: source.txt\n")
    monkeypatch.setattr("sys.stdout", None)  # a process without standard streams
    mp.show_results(Profiler(("source.txt", [(3, FIGURES[3])])))


def test_source_gone_or_shorter_gives_empty_contents(mp, tmp_path):
    stream = io.StringIO()
    missing = str(tmp_path / "gone.py")
    mp.show_results(Profiler((missing, [(3, FIGURES[3]), (400, None)])), stream)
    assert stream.getvalue().split("\n")[4:6] == [
        "     3     46.5 MiB     46.5 MiB           1   ",
        "   400" + " " * 41,
    ]


def test_encoding_without_the_letters_of_the_source(mp, tmp_path):
    source = tmp_path / "letters.py"
    source.write_text("x = 'ایست'\n", encoding="utf-8")
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    mp.show_results(Profiler((str(source), [(1, FIGURES[3])])), stream)
    stream.flush()
    assert raw.getvalue().decode("ascii").endswith(r"x = '\u0627\u06cc\u0633\u062a'" + "\n\n\n")


def test_old_spelling_by_call(mp, golden):
    stream = io.StringIO()
    mp.use_heading("Occurences")
    try:
        mp.show_results(Profiler(("source.txt", [(3, FIGURES[3])])), stream)
    finally:
        mp.use_heading("Occurrences")
    header, rule = stream.getvalue().split("\n")[2:4]
    assert header == "Line #    Mem usage    Increment  Occurences   Line Contents"
    assert rule == "=" * 60
    with pytest.raises(ValueError, match="Occurrences and Occurences"):
        mp.use_heading("Hits")


def test_old_spelling_by_environment(python):
    program = "from memory_profiler import profile\n@profile\ndef f():\n    pass\nf()\n"
    done = python("-c", program, env={"MEMLINE_HEADING": "Occurences"})
    assert "  Occurences   Line Contents\n" + "=" * 60 + "\n" in done.stdout, done.stderr

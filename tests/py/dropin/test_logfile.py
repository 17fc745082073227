"""LogFile: reports as log records (compat specification, 1.9)."""

import io
import logging
import re

import pytest
from dropin_blocks import block


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def messages(self):
        return [record.getMessage() for record in self.records]


@pytest.fixture
def records():
    handler = Records()
    logger = logging.getLogger("memory_profiler_logs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def leak(mp, stream):
    held = []

    @mp.profile(stream=stream)
    def grow(n):
        # needs about 5 MiB of buffers
        held.append(block(n))
        small = 1

        return small

    grow(70)
    return grow


def test_with_flag_only_name_header_and_growth_pass(mp, records):
    leak(mp, mp.LogFile("memory_profiler_logs", True))
    messages = records.messages()
    assert messages[0] == "Filename: " + __file__
    assert messages[1] == "Line #  Mem usage  Increment  Occurrences  Line Contents"
    rows = messages[2:]
    assert [row.split("  ")[-1].strip() for row in rows] == [
        "@mp.profile(stream=stream)",
        "held.append(block(n))",
    ]


def test_rows_have_two_blanks_and_no_padding(mp, records):
    leak(mp, mp.LogFile("memory_profiler_logs", True))
    # The published log query: parse message with LineNumber "  " TotalMem "  " Increment "  " ...
    parts = records.messages()[3].split("  ", 4)
    assert re.fullmatch(r"\d+", parts[0])
    assert re.fullmatch(r"\d+\.\d MiB", parts[1])
    assert re.fullmatch(r"70\.\d MiB", parts[2])
    assert parts[3] == "1"
    assert parts[4] == "        held.append(block(n))"


def test_without_flag_every_line_is_one_record(mp, records):
    leak(mp, mp.LogFile("memory_profiler_logs"))
    messages = records.messages()
    assert messages[2] == "=" * 61
    rows = messages[3:-1]
    assert len(rows) == 7
    assert rows[1].endswith("        " + "    def grow(n):")
    assert not any("\n" in message for message in messages)
    assert messages[-1] == ""


def test_figures_are_record_attributes(mp, records):
    leak(mp, mp.LogFile("memory_profiler_logs"))
    kinds = [record.memline_kind for record in records.records]
    assert kinds == ["file", "header", "rule"] + ["row"] * 7 + ["end"]
    row = records.records[6]
    assert row.memline_contents == "        held.append(block(n))"
    assert row.memline_file == __file__
    assert row.memline_function.endswith("grow")
    assert row.memline_line == int(records.messages()[6].split()[0])
    assert abs(row.memline_increment_mib - 70) < 0.5
    assert row.memline_mem_mib > row.memline_increment_mib
    assert row.memline_occurrences == 1
    fields = row.memline_fields
    assert fields["LineNumber"] == str(row.memline_line)
    assert abs(float(fields["IncreMem_MiB"]) - 70) < 0.5
    assert fields["Occurrences"] == "1"
    assert fields["Contents"] == row.memline_contents
    assert all(isinstance(value, str) for value in fields.values())
    unmeasured = records.records[5]
    assert not hasattr(unmeasured, "memline_mem_mib")


def test_console_text_is_the_aligned_table(mp, records, out):
    leak(mp, mp.LogFile("memory_profiler_logs"))
    shown = "\n".join(
        record.memline_console for record in records.records if record.memline_console
    )
    lines = shown.split("\n")
    assert lines[1] == "Line #    Mem usage    Increment  Occurrences   Line Contents"
    assert lines[2] == "=" * 61
    (report,) = mp.read_report(shown)
    assert len(report.rows) == 7
    assert report.rows[3].contents == "        held.append(block(n))"


def test_the_published_tutorial(mp, monkeypatch):
    """The page's code: sync and async, the root handler's format, values kept, clean columns."""
    import asyncio

    console = io.StringIO()
    root = logging.getLogger()
    handler = logging.StreamHandler(console)
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", logging.INFO)
    root.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
    profiler_logstream = mp.LogFile("memory_profiler_logs", True)

    @mp.profile(stream=profiler_logstream)
    async def get_page_async(n):
        await asyncio.sleep(0)
        page = block(n)
        return page

    @mp.profile(stream=profiler_logstream)
    def get_page(n):
        page = block(n)
        return page

    assert len(asyncio.run(get_page_async(20))) == 20 * 2**20
    assert len(get_page(30)) == 30 * 2**20
    lines = console.getvalue().splitlines()
    assert all(line.startswith("memory_profiler_logs: ") for line in lines)
    assert len(lines) == 8
    assert lines[0] == lines[4] == "memory_profiler_logs: Filename: " + __file__
    parse = re.compile("memory_profiler_logs: (.*?)  (.*?)  (.*?)  (.*?)  (.*)")
    rows = [parse.match(lines[i]).groups() for i in (2, 3, 6, 7)]
    assert [row[3] for row in rows] == ["1"] * 4
    assert rows[1][4] == rows[3][4] == "        page = block(n)"
    assert [round(float(rows[i][2].split()[0])) for i in (1, 3)] == [20, 30]


def test_messages_are_plain_strings(mp, records):
    leak(mp, mp.LogFile("memory_profiler_logs"))
    assert {type(record.msg) for record in records.records} == {str}


@pytest.mark.parametrize("flag", [False, True])
def test_write_passes_text_unchanged(mp, records, flag):
    log = mp.LogFile("memory_profiler_logs", flag)
    log.write("Filename: app.py\n\n")
    log.write("100% of Filename: is no argument\n", logging.WARNING)
    assert records.messages()[0] == "Filename: app.py\n\n"
    if not flag:
        assert records.messages()[1] == "100% of Filename: is no argument\n"
        assert records.records[1].levelno == logging.WARNING


PASS = [
    "Filename: app.py\n\n",
    "Line #    Mem usage    Increment  Occurrences   Line Contents\n",
    "Line #    Mem usage    Increment  Occurences   Line Contents\n",
    "    12     46.5 MiB     46.5 MiB           1   @profile\n",
    "    12     46.5 MiB      0.1 MiB           1   x = 1  # 5 MiB of buffers\n",
    "12  46.5 MiB  46.5 MiB  1  @profile",
]
DROP = [
    "=" * 61 + "\n",
    "    12     46.5 MiB      0.0 MiB           1   x = 1\n",
    "    12     46.5 MiB     -3.0 MiB           1   x = 1\n",
    "    13                                         # needs about 5 MiB of buffers\n",
    "    13                                         print('5 MiB', '7.0 MiB', 1)\n",
    "    13                                         5.0 MiB  3.0 MiB  1  MiB\n",
    "MiB",
    "3 MiB 3 MiB\n",
    "\n\n",
    "",
    "unrelated text with Filename: in it\n",
]


@pytest.mark.parametrize("text", PASS)
def test_filter_passes(mp, records, text):
    mp.LogFile("memory_profiler_logs", True).write(text)
    assert records.messages() == [text]


@pytest.mark.parametrize("text", DROP)
def test_filter_drops(mp, records, text):
    mp.LogFile("memory_profiler_logs", True).write(text)
    assert records.messages() == []


def test_it_is_a_text_stream(mp, records, monkeypatch):
    log = mp.LogFile("memory_profiler_logs")
    assert not log.isatty()
    assert log.writable()
    assert not log.readable()
    assert not log.seekable()
    assert log.encoding == "utf-8"
    with pytest.raises(io.UnsupportedOperation):
        log.fileno()
    monkeypatch.setattr("sys.stdout", log)
    print("hello")
    log.writelines(["a", "b"])
    log.flush()
    log.close()
    assert records.messages() == ["hello", "\n", "a", "b"]


def test_flush_flushes_the_loggers_own_handlers(mp, records):
    flushed = []
    records.flush = lambda: flushed.append(1)
    mp.LogFile("memory_profiler_logs").flush()
    assert flushed == [1]


def test_subclass_may_override_write(mp, records):
    class Shouting(mp.LogFile):
        def write(self, msg, level=logging.ERROR):
            return super().write(msg, level)

    leak(mp, Shouting("memory_profiler_logs", True))
    assert {record.levelno for record in records.records} == {logging.ERROR}
    assert records.records[3].memline_increment_mib > 69


def test_stdout_replaced_by_a_logfile(mp, records, monkeypatch):
    monkeypatch.setattr("sys.stdout", mp.LogFile("memory_profiler_logs", True))
    leak(mp, None)
    assert len(records.records) == 4

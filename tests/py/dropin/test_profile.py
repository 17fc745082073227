"""The decorator: a report for each outermost call (compat specification, 1.1, 3 and 7)."""

import gc
import inspect
import io
import linecache
import os
import sys
import tracemalloc
import zipfile

import pytest
from dropin_blocks import MIB, block


def leak(n):
    return block(n)


def test_forms(mp, out):
    @mp.profile(stream=out)
    def one():
        return 1

    @mp.profile(stream=out, precision=4)
    def two():
        return 2

    three = mp.profile(lambda: 3, out)
    four = mp.profile(None, out, 0)(leak)
    assert (one(), two(), three(), len(four(4))) == (1, 2, 3, 4 * MIB)
    assert out.count() == 4
    numbers = [line.split()[1] for line in out.getvalue().splitlines() if "return" in line]
    assert [len(number.partition(".")[2]) for number in numbers] == [1, 4, 0]


def test_positional_order(mp, out):
    mp.profile(leak, out, 2, "psutil")(1)
    assert "." in out.getvalue().splitlines()[-3].split()[1]


def test_default_is_stdout_of_the_moment(mp, monkeypatch):
    function = mp.profile(leak)
    later = io.StringIO()
    monkeypatch.setattr(sys, "stdout", later)
    function(1)
    assert later.getvalue().startswith("Filename: " + __file__)


def test_attributes_survive(mp, out):
    def documented(a: int, b="x", *args, c=3, **kw) -> str:
        """dummy doc"""
        return b

    before = (
        documented.__name__,
        documented.__qualname__,
        documented.__doc__,
        documented.__module__,
        dict(documented.__annotations__),
        inspect.signature(documented),
    )
    documented.mark = 5
    function = mp.profile(documented, out)
    assert (
        function.__name__,
        function.__qualname__,
        function.__doc__,
        function.__module__,
        dict(function.__annotations__),
        inspect.signature(function),
    ) == before
    assert function.mark == 5
    if sys.version_info >= (3, 12):
        assert function is documented


def test_one_report_for_each_call(mp, out):
    function = mp.profile(leak, out)
    for _ in range(3):
        function(1)
    assert out.count() == 3
    assert out.rows()["return block(n)"].occurrences == 1


def test_report_also_when_the_function_raises(mp, out):
    @mp.profile(stream=out)
    def fail():
        x = 1
        raise KeyError(x)

    with pytest.raises(KeyError) as caught:
        fail()
    assert out.rows()["raise KeyError(x)"].occurrences == 1
    names = []
    trace = caught.tb
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[0] == "test_report_also_when_the_function_raises"
    assert names[-1] == "fail"


def test_report_also_on_sys_exit(mp, out):
    @mp.profile(stream=out)
    def leave():
        sys.exit(3)

    with pytest.raises(SystemExit):
        leave()
    assert out.rows()["sys.exit(3)"].occurrences == 1


def test_a_failing_stream_does_not_hurt_the_program(mp, monkeypatch):
    class Broken:
        def write(self, text):
            raise OSError("disk full")

    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda info: seen.append(info.exc_value))
    assert len(mp.profile(leak, Broken())(5)) == 5 * MIB
    assert [str(error) for error in seen] == ["disk full"]


def test_last_report_is_data(mp, out):
    function = mp.profile(leak, out)
    held = function(40)
    (report,) = mp.last_report()
    assert (report.filename, report.function) == (__file__, "leak")
    data = report.to_dict()["lines"]
    assert [line["occurrences"] for line in data] == [1, 1]
    assert abs(data[1]["increment_mib"] - 40) < 1
    assert data[0]["contents"] == "def leak(n):"
    assert len(held) == 40 * MIB


def test_unknown_backend_names_the_known_ones(mp):
    with pytest.raises(KeyError, match="tracemalloc"):
        mp.profile(leak, backend="nonsense")


def test_tracemalloc_starts_and_stops_with_the_function(mp, out):
    gc.collect()
    before = tracemalloc.is_tracing()
    function = mp.profile(lambda n: bytearray(n), out, 6, "tracemalloc")
    assert tracemalloc.is_tracing()
    function(1000)
    del function
    gc.collect()
    assert tracemalloc.is_tracing() == before


@pytest.mark.parametrize("size", [100, 1000, 10000, 100000, 10**6, 10**7, 10**8])
def test_tracemalloc_figures_are_exact(mp, out, size):
    @mp.profile(stream=out, precision=6, backend="tracemalloc")
    def work(n):
        a = bytearray(n)
        del a
        return

    work(size)
    work(size)
    # as a reader of reports that accumulate in one stream would take them: third line from the end
    text = out.getvalue().split("\n")
    grown, freed = float(text[-6].split()[3]), -float(text[-5].split()[3])
    assert abs(grown - freed) <= 1e-4
    # the object's head, and one spare byte
    assert abs(grown - (size + sys.getsizeof(bytearray()) + 1) / 2**20) <= 1e-4


# -- source ------------------------------------------------------------------------------------------


def test_exec_without_source_gives_rows_without_contents(mp, out):
    namespace = {}
    exec("def f(n):\n    a = n\n    return a\n", namespace)
    assert mp.profile(namespace["f"], out)(3) == 3
    lines = out.getvalue().splitlines()
    assert lines[0] == "Filename: <string>"
    assert [line.split()[0] for line in lines[4:7]] == ["1", "2", "3"]
    assert all(line.endswith("1   ") for line in lines[4:7])


def test_source_known_to_linecache_only(mp, out):
    name = "<notebook cell 1>"
    source = "def f(n):\n    a = n\n    return a\n"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {}
    exec(compile(source, name, "exec"), namespace)
    mp.profile(namespace["f"], out)(3)
    assert [row.contents for row in mp.read_report(out.getvalue())[0].rows] == [
        "def f(n):",
        "    a = n",
        "    return a",
    ]


def test_chdir_before_the_call(mp, out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "relative.py").write_text("def f(n):\n    return n\n")
    namespace = {}
    exec(compile((tmp_path / "relative.py").read_text(), "relative.py", "exec"), namespace)
    function = mp.profile(namespace["f"], out)
    monkeypatch.chdir("/")
    function(1)
    assert out.getvalue().startswith("Filename: relative.py\n")
    assert out.rows()["return n"].occurrences == 1


def test_source_removed_or_shortened_while_running(mp, out, tmp_path):
    for number, damage in enumerate((os.remove, lambda path: open(path, "w").close())):
        path = str(tmp_path / f"vanishing{number}.py")
        with open(path, "w") as file:
            file.write("def f(n):\n    return n\n")
        namespace = {}
        exec(compile(open(path).read(), path, "exec"), namespace)
        function = mp.profile(namespace["f"], out)
        damage(path)
        linecache.clearcache()
        assert function(7) == 7
        (row,) = [row for row in mp.read_report(out.getvalue())[-1].rows if row.line == 2]
        assert (row.occurrences, row.contents) == (1, "")


def test_code_in_a_zip_archive(mp, out, tmp_path, monkeypatch):
    archive = str(tmp_path / "code.zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_module_for_test.py", "def f(n):\n    return n * 2\n")
    monkeypatch.syspath_prepend(archive)
    import zipped_module_for_test

    mp.profile(zipped_module_for_test.f, out)(2)
    assert out.rows()["return n * 2"].occurrences == 1


def test_source_in_latin_1_and_with_bad_bytes(mp, out, tmp_path):
    for number, head in enumerate((b"# -*- coding: latin-1 -*-\n", b"")):
        path = tmp_path / f"bytes{number}.py"
        path.write_bytes(head + b"def f(n):\n    return '\xe9', n\n")
        namespace = {}
        code = head.decode() + "def f(n):\n    return 'e', n\n"
        exec(compile(code, str(path), "exec"), namespace)
        mp.profile(namespace["f"], out)(1)
    first, second = mp.read_report(out.getvalue())
    assert [row.contents for row in first.rows] == ["def f(n):", "    return '\xe9', n"]
    assert [row.contents for row in second.rows] == ["", ""]


def test_function_of_many_lines(mp, out):
    # 3.12 and 3.13 look for the line number of every event from the top of the code object on
    # (CPython issue 127953), which takes minutes for 100,000 lines.
    lines = 20_000 if sys.version_info < (3, 12) else 2_000
    source = "def long(x):\n" + "    x += 1\n" * lines + "    return x\n"
    namespace = {}
    exec(compile(source, "<long>", "exec"), namespace)
    linecache.cache["<long>"] = (len(source), None, source.splitlines(True), "<long>")
    assert mp.profile(namespace["long"], out)(0) == lines
    assert out.getvalue().count("\n") == lines + 8


# -- decorating again --------------------------------------------------------------------------------


def test_decorating_the_same_function_again_reports_again(mp):
    for _ in range(3):
        stream = io.StringIO()
        mp.profile(leak, stream)(1)
        mp.profile(leak, stream, backend="psutil_uss")(1)
        assert stream.getvalue().count("Filename: ") == 2


def test_double_decoration_is_one_report(mp, out):
    @mp.profile(stream=out)
    @mp.profile(stream=out)
    def f():
        return 1

    function = f
    for _ in range(100):
        function = mp.profile(function, stream=out)
    assert function is f
    assert function() == 1
    assert out.count() == 1


def test_double_decoration_with_another_backend_reports_once(mp, out):
    @mp.profile(stream=out, backend="psutil_uss")
    @mp.profile(stream=out)
    def f():
        return 1

    assert f() == 1
    assert out.count() == 1

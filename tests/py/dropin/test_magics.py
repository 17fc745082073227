"""%mprun and %memit (compat specification, 1.7), on whichever IPython there is."""

import builtins
import io
import re
import sys

import pytest

pytest.importorskip("IPython")


@pytest.fixture
def shell(mp, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setitem(sys.modules, "memory_profiler", mp)
    shell = InteractiveShell()
    shell.paged = []
    monkeypatch.setattr("IPython.core.page.page", lambda text, *a, **k: shell.paged.append(text))
    shell.run_line_magic("load_ext", "memory_profiler")
    shell.run_cell(
        "import mmap\ndef block(n):\n    m = mmap.mmap(-1, n * 2**20)\n"
        "    for i in range(0, len(m), 4096):\n        m[i] = 1\n    return m\n"
    )
    yield shell
    assert "profile" not in builtins.__dict__


def rows(mp, shell):
    (text,) = shell.paged
    return {row.contents.strip(): row for row in mp.read_report(text)[0].rows}


CELL = "def work(n):\n    held = block(n)\n    return len(held)\n"


def test_mprun_on_a_function_of_the_notebook(mp, shell, capsys):
    shell.run_cell(CELL)
    shell.run_line_magic("mprun", "-f work work(40)")
    found = rows(mp, shell)
    assert abs(found["held = block(n)"].increment - 40) < 1
    assert found["return len(held)"].occurrences == 1
    assert capsys.readouterr().out == "\n"
    assert not shell.paged[0].endswith("\n")


def test_mprun_without_attached_value_and_with_several_functions(mp, shell):
    shell.run_cell(CELL + "class C:\n    def method(self):\n        return work(1)\n")
    shell.run_line_magic("mprun", "-fwork -f C.method C().method()")
    assert shell.paged[0].count("Filename: ") == 2


def test_mprun_statement_is_taken_as_typed(mp, shell):
    shell.run_cell("def echo(text):\n    return text\n")
    shell.run_line_magic("mprun", """-f echo said = echo("a  'b'  -f c")""")
    assert shell.user_ns["said"] == "a  'b'  -f c"


def test_cell_mprun_appends_the_cell(mp, shell):
    shell.run_cell(CELL)
    shell.run_cell_magic("mprun", "-f work x = 2", "x = work(x * 10)\n")
    assert shell.user_ns["x"] == 20 * 2**20
    assert abs(rows(mp, shell)["held = block(n)"].increment - 20) < 1


def test_cell_mprun_without_f_profiles_the_cell(mp, shell):
    shell.run_cell_magic(
        "mprun", "", "a = block(30)\n\nfor i in range(3):\n    b = i\n%time c = 1\n"
    )
    found = rows(mp, shell)
    assert abs(found["a = block(30)"].increment - 30) < 1
    assert found["b = i"].occurrences == 3
    assert (shell.user_ns["b"], shell.user_ns["c"]) == (2, 1)


def test_mprun_returns_the_profiler(mp, shell):
    shell.run_cell(CELL)
    profiler = shell.run_line_magic("mprun", "-r -f work work(1)")
    assert isinstance(profiler, mp.LineProfiler)
    assert shell.run_line_magic("mprun", "-f work work(1)") is None
    ((_, lines),) = profiler.code_map.items()
    assert [figure[2] for _, figure in lines] == [1, 1, 1]


def test_mprun_saves_the_text(mp, shell, tmp_path, capsys):
    shell.run_cell(CELL)
    path = tmp_path / "report.txt"
    shell.run_line_magic("mprun", f"-T {path} -c -f work work(1)")
    assert path.read_text() == shell.paged[0]
    assert capsys.readouterr().out == f"\n\n*** Profile printout saved to text file {path}. \n"


def test_mprun_on_exit_and_interrupt(mp, shell, capsys):
    shell.run_cell(
        "def leaves():\n    raise SystemExit(3)\ndef breaks():\n"
        "    raise KeyboardInterrupt\ndef fails():\n    raise KeyError(1)\n"
    )
    shell.run_line_magic("mprun", "-f leaves leaves()")
    shell.run_line_magic("mprun", "-f breaks breaks()")
    assert capsys.readouterr().out == (
        "*** SystemExit exception caught in code being profiled.\n"
        "*** KeyboardInterrupt exception caught in code being profiled.\n"
    )
    with pytest.raises(KeyError):
        shell.run_line_magic("mprun", "-f fails fails()")
    assert len(shell.paged) == 3


def test_mprun_errors_are_clear(mp, shell, capsys):
    from IPython.core.error import UsageError

    with pytest.raises(UsageError, match="Could not find function 'nonsense'"):
        shell.run_line_magic("mprun", "-f nonsense 1")
    with pytest.raises(UsageError, match="the function itself, without calling it"):
        shell.run_line_magic("mprun", "-f 'len([1, 2])' 1")
    with pytest.raises(UsageError, match="-z not recognized"):
        shell.run_line_magic("mprun", "-z 1")
    with pytest.raises(UsageError, match="-f requires an argument"):
        shell.run_line_magic("mprun", "-f")
    shell.run_line_magic("mprun", "1 + 1")
    assert "No profiled function ran" in capsys.readouterr().out


def test_builtin_profile_is_there_meanwhile_and_restored(mp, shell, monkeypatch):
    shell.run_cell_magic(
        "mprun", "-f block", "@profile\ndef decorated():\n    return 1\ndecorated()\n"
    )
    assert "return 1" in shell.paged[0]
    assert "profile" not in builtins.__dict__
    monkeypatch.setitem(builtins.__dict__, "profile", 5)
    shell.run_line_magic("mprun", "-f block block(1)")
    assert builtins.profile == 5
    monkeypatch.undo()


def test_memit_finds_a_peak_that_is_gone(mp, shell, capsys):
    shell.run_line_magic("memit", "bytearray(50*2**20)")
    words = capsys.readouterr().out.split()
    assert words[:2] == ["peak", "memory:"]
    assert words[3:5] == ["MiB,", "increment:"]
    assert abs(float(words[5]) - 50) <= 1


def test_memit_options(mp, shell, capsys):
    result = shell.run_line_magic("memit", "-r3 -t 5 -i .01 -coq x = 5")
    assert isinstance(result, mp.MemitResult)
    assert (len(result.mem_usage), result.repeat, result.timeout) == (3, 3, 5)
    assert (result.interval, result.include_children) == (0.01, True)
    assert result.baseline > 1
    assert capsys.readouterr().out == ""
    assert shell.user_ns["x"] == 5
    assert shell.run_line_magic("memit", "-q 1") is None


@pytest.mark.parametrize("text", ["-r 0", "-r0", "-r -3"])
def test_memit_repeats_at_least_once(mp, shell, text):
    assert len(shell.run_line_magic("memit", text + " -o -q x = 1").mem_usage) == 1


def test_cell_memit_runs_its_line_as_setup(mp, shell, capsys):
    shell.run_cell_magic("memit", "held = block(60)", "more = block(30)\n")
    assert abs(float(capsys.readouterr().out.split()[5]) - 30) <= 1
    assert len(shell.user_ns["held"]) == 60 * 2**20


def test_memit_number_error_is_clear(mp, shell):
    from IPython.core.error import UsageError

    with pytest.raises(UsageError, match="-r wants a number, not 'x'"):
        shell.run_line_magic("memit", "-r x 1")


def test_memit_result(mp):
    result = mp.MemitResult([10.0, 12.345], 10.0, 2, None, 0.1, False)
    assert str(result) == "peak memory: 12.35 MiB, increment: 2.35 MiB"

    class Printer(io.StringIO):
        text = io.StringIO.write

    printer = Printer()
    result._repr_pretty_(printer, False)
    assert printer.getvalue() == "<MemitResult : " + str(result) + ">"


def test_loading_in_a_fresh_ipython(python, tmp_path):
    done = python(
        "-m",
        "IPython",
        "--no-banner",
        "--colors=NoColor",
        "--no-confirm-exit",
        "-c",
        "%load_ext memory_profiler\n%memit x = bytearray(50*2**20)\n",
        env={"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert abs(float(re.search(r"increment: ([\d.]+) MiB", done.stdout)[1]) - 50) <= 1


def test_help_is_there(mp, shell):
    for name in ("mprun", "memit"):
        assert "Options:" in shell.find_line_magic(name).__doc__
        assert shell.find_cell_magic(name) is not None

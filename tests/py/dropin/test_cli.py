"""python -m memory_profiler (compat specification, 1.4)."""

import json
import os
import shutil
import signal
import sys
import time

import pytest


def names(mp, text):
    """The functions reported in text, in order."""
    found = []
    for report in mp.read_report(text):
        (line,) = [r.contents for r in report.rows if r.contents.strip().startswith("def ")][:1]
        found.append(line.split("(")[0].strip()[4:])
    return found


def test_reports_at_exit_in_order_of_decoration(mp, profiled, scripts):
    done = profiled(scripts / "leaky.py", "-x", "--precision")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("argv ['-x', '--precision']\nFilename: ")
    assert names(mp, done.stdout) == ["second_called", "first_called"]
    assert done.stderr == ""


def test_precision_is_three_and_beats_the_decorators(mp, profiled, scripts):
    done = profiled(scripts / "leaky.py")
    figures = [line for line in done.stdout.splitlines() if "return second" in line]
    assert len(figures[0].split()[1].split(".")[1]) == 3
    done = profiled("--precision", "5", scripts / "leaky.py")
    figures = [line for line in done.stdout.splitlines() if "return second" in line]
    assert len(figures[0].split()[1].split(".")[1]) == 5


def test_after_an_exception(mp, profiled, scripts):
    done = profiled(scripts / "leaky.py", "raise")
    assert done.returncode == 1
    assert names(mp, done.stdout) == ["second_called", "first_called"]
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{scripts / "leaky.py"}", line ')
    assert lines[-1] == "ValueError: mine"
    assert "memline" not in done.stderr.replace(str(scripts), "")  # whatever the clone's folder is


def test_after_sys_exit(mp, profiled, scripts):
    done = profiled(scripts / "leaky.py", "exit")
    assert done.returncode == 3
    assert names(mp, done.stdout) == ["second_called", "first_called"]


def test_o_appends_to_a_file(mp, profiled, scripts, tmp_path):
    path = tmp_path / "report.txt"
    for _ in range(2):
        done = profiled("-o", path, scripts / "leaky.py")
        assert done.returncode == 0
        assert "Filename:" not in done.stdout
    assert names(mp, path.read_text()) == ["second_called", "first_called"] * 2


def test_o_that_cannot_be_written(profiled, scripts, tmp_path):
    done = profiled("-o", tmp_path / "no" / "such" / "folder.txt", scripts / "leaky.py")
    assert done.returncode == 1
    assert done.stderr.startswith("memory_profiler: cannot write ")
    assert "argv" not in done.stdout  # told before the program runs


def test_script_without_profile_prints_nothing(profiled, script):
    done = profiled(script("x = 1\n"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_forms_of_the_injected_profile(mp, profiled, scripts):
    done = profiled(scripts / "forms.py")
    assert done.returncode == 0, done.stderr
    assert names(mp, done.stdout) == ["called", "options", "steps", "added"]
    added = mp.read_report(done.stdout)[3]
    assert added.rows[1].occurrences == 2


def test_script_is_the_real_main(profiled, scripts, tmp_path):
    for path in (scripts / "mainmodule.py", os.path.relpath(str(scripts / "mainmodule.py"))):
        done = profiled(path, "a b")
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"main is mine [{str(path)!r}, 'a b']\n"


def test_script_without_suffix_is_a_script(profiled, scripts, tmp_path):
    shutil.copy(str(scripts / "leaky.py"), str(tmp_path / "leaky"))
    done = profiled("leaky", cwd=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Filename: leaky\n" in done.stdout


def test_script_found_in_path(profiled, scripts, tmp_path):
    done = profiled("leaky.py", cwd=str(tmp_path), env={"PATH": str(scripts)})
    assert done.returncode == 0, done.stderr
    assert "Filename: " + str(scripts / "leaky.py") in done.stdout


def test_missing_script(profiled):
    done = profiled("no_such_script.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Could not find script no_such_script.py\n"


def test_missing_module(profiled):
    for module in ("no_such_module", "no_such.module", ".x"):
        done = profiled(module)
        assert done.returncode == 1
        assert done.stderr.startswith(f"memory_profiler: cannot run '{module}': ")
        assert "Traceback" not in done.stderr


def test_no_program(profiled):
    done = profiled()
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "A program to run must be provided. Use -h for help\n"


def test_version_help_and_wrong_options(mp, profiled):
    assert profiled("--version").stdout == mp.__version__ + "\n"
    usage = profiled("-h")
    assert usage.returncode == 0
    for option in ("--pdb-mmem", "--precision", "-o", "--timestamp", "--include-children"):
        assert option in usage.stdout
    assert profiled("--nonsense", "x.py").returncode == 2
    assert profiled("--backend", "nonsense", "x.py").returncode == 2
    assert profiled("--precision", "-1", "x.py").returncode == 2


def test_module(mp, profiled, tmp_path):
    package = tmp_path / "mypkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    source = (
        "import sys\nfrom . import other\n@profile\ndef work():\n    return other.x\n"
        "print(work(), sys.argv, __package__, __spec__.name)\n"
    )
    (package / "other.py").write_text("x = 5\n")
    (package / "__main__.py").write_text(source)
    (package / "sub.py").write_text(source)
    done = profiled("mypkg", "-v", cwd=str(tmp_path))
    assert done.stdout.startswith("5 ['mypkg', '-v'] mypkg mypkg.__main__\n"), done.stderr
    assert names(mp, done.stdout) == ["work"]
    done = profiled("mypkg.sub", cwd=str(tmp_path))
    assert done.stdout.startswith("5 ['mypkg.sub'] mypkg mypkg.sub\n"), done.stderr


def test_imported_modules_use_the_injected_profile(mp, profiled, tmp_path):
    (tmp_path / "library.py").write_text("@profile\ndef helper():\n    return 1\n")
    (tmp_path / "program.py").write_text("import library\nlibrary.helper()\n")
    done = profiled(tmp_path / "program.py")
    assert names(mp, done.stdout) == ["helper"], done.stderr


def test_own_import_of_profile_reports_by_call_from_one_copy(mp, profiled, script):
    done = profiled(
        script(
            """
            import sys
            import memory_profiler
            from memory_profiler import profile

            copies = [n for n, m in list(sys.modules.items()) if getattr(m, "profile", None) is profile]
            assert sys.modules["memory_profiler"] is memory_profiler
            assert "memline.dropin.memory_profiler" in copies, copies

            @profile
            def work():
                return 1

            work()
            work()
            """
        )
    )
    assert done.returncode == 0, done.stderr
    assert names(mp, done.stdout) == ["work", "work"]


def test_other_spellings_and_encodings_of_source(mp, profiled, tmp_path):
    path = tmp_path / "letters.py"
    text = "@profile\ndef work(txt):\n    txt = txt.replace('ی', 'ي')\n    return txt\nwork('ایست')"
    path.write_bytes(text.encode("utf-8"))
    assert "txt.replace('ی', 'ي')" in profiled(path).stdout
    path.write_bytes(b"# coding: latin-1\n@profile\ndef work():\n    return '\xe9'\nwork()\n")
    assert "return '\xe9'" in profiled(path).stdout


def test_syntax_error_is_shown_as_python_does(profiled, script):
    done = profiled(script("x = = 1\n"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "SyntaxError: invalid syntax"
    assert "memline" not in done.stderr


def test_include_children(mp, profiled, scripts):
    done = profiled("--include-children", scripts / "big_child.py")
    assert done.returncode == 0, done.stderr
    rows = {r.contents.strip(): r for r in mp.read_report(done.stdout)[0].rows}
    assert rows["child = start()"].increment >= 190
    done = profiled(scripts / "big_child.py")
    rows = {r.contents.strip(): r for r in mp.read_report(done.stdout)[0].rows}
    assert rows["child = start()"].increment < 50


@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"])
def test_backends(mp, profiled, scripts, backend):
    done = profiled("--backend", backend, scripts / "leaky.py")
    assert done.returncode == 0, done.stderr
    rows = {r.contents.strip(): r for r in mp.read_report(done.stdout)[0].rows}
    assert abs(rows["held = bytearray(n)"].increment - 50) < 1


def test_json(profiled, scripts, tmp_path):
    path = tmp_path / "report.json"
    done = profiled("--json", path, "--backend", "tracemalloc", scripts / "leaky.py")
    assert done.returncode == 0, done.stderr
    first, second = json.loads(path.read_text())
    assert (first["function"], second["function"]) == ("second_called", "first_called")
    (row,) = [line for line in first["lines"] if "bytearray" in line["contents"]]
    assert abs(row["increment_mib"] - 50) < 1
    if sys.version_info >= (3, 9):
        assert row["peak_mib"] >= 50


def test_threads_are_waited_for(mp, profiled, scripts):
    done = profiled(scripts / "threads_at_exit.py")
    (report,) = mp.read_report(done.stdout)
    assert report.rows[-1].occurrences == 1
    assert report.rows[-1].contents == "    return 1"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(profiled, scripts, method):
    done = profiled(scripts / "pooled.py", method)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["[0, 2, 4, 6] [0, 3, 6, 9] [0, 4]", "exit 0 2"], done.stderr
    assert done.stdout.count("Filename: ") == 1


def test_control_c_stops_and_reports(script, python):
    path = script(
        """
        import time

        @profile
        def work():
            print("up", flush=True)
            time.sleep(60)

        work()
        """
    )
    process = python.start("-m", "memory_profiler", path)
    assert process.stdout.readline() == "up\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert "Filename: " in output
    assert "KeyboardInterrupt" in errors
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("options", [(), ("--timestamp",), ("--json", "report.json")])
def test_output_into_a_closed_pipe(python, scripts, tmp_path, options, unbuffered):
    words = ["-m", "memory_profiler", *options, scripts / "threads_at_exit.py"]
    process = python.start(*words, cwd=str(tmp_path), env={"PYTHONUNBUFFERED": unbuffered})
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=20) == 0
    if "--json" in options:  # is not lost with the text
        assert len(json.loads((tmp_path / "report.json").read_text())) == 1


def test_pdb_mmem_stops_without_moving(profiled, scripts):
    done = profiled("--pdb-mmem", "100", scripts / "limit.py", input="p i, len(held)\nn\np i\nc\n")
    lines = done.stdout.splitlines()
    assert lines[0] == "step 0"
    told = [line for line in lines if line.startswith("Current memory ")]
    assert len(told) == 1
    memory = float(told[0].split()[2])
    assert told[0] == f"Current memory {memory:.2f} MiB exceeded the maximum of 100.00 MiB"
    assert 100 <= memory < 200
    assert lines[lines.index(told[0]) + 1] == "Stepping into the debugger "
    steps = [line for line in lines if "step" in line and "print" not in line]
    assert [step[-1] for step in steps] == ["0", "1", "2", "3"]
    assert lines.count("end") == 1
    assert lines.count("after") == 1
    # stopped before the first step that follows, which is then taken by `n`
    stop = lines.index(told[0])
    assert lines[stop - 1] == "step 0"
    assert lines[stop + 3] == '-> print("step", i)'
    assert lines[stop + 4 : stop + 6] == ["(Pdb) (1, 2)", "(Pdb) step 1"]
    assert "Filename: " in done.stdout


def test_pdb_mmem_that_is_never_reached(profiled, scripts):
    done = profiled("--pdb-mmem", "100000", scripts / "limit.py")
    assert "exceeded" not in done.stdout
    assert "Filename: " in done.stdout


def test_leaving_the_debugger(profiled, scripts):
    done = profiled("--pdb-mmem", "100", scripts / "limit.py", input="q\n")
    assert "Stepping into the debugger " in done.stdout
    assert "step 1" not in done.stdout.splitlines()
    assert "after" not in done.stdout.splitlines()
    assert done.returncode == 1
    assert "Filename: " in done.stdout


# -- the functions behind it ---------------------------------------------------------------------------


def test_exec_with_profiler_stands_alone(python, scripts):
    done = python(
        "-c",
        f"""
import sys
import memory_profiler as mp
main = sys.modules["__main__"]
profiler = mp.LineProfiler()
mp.exec_with_profiler({str(scripts / "leaky.py")!r}, profiler, "psutil", ["x", "y"])
assert sys.modules["__main__"] is main
assert sys.argv[1:] == ["x", "y"]
assert sys.path[0] == {str(scripts)!r}
import builtins
assert builtins.profile is profiler
mp.show_results(profiler)
""",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Filename: ") == 2


def test_run_module_with_profiler_stands_alone(python, tmp_path):
    (tmp_path / "some_module.py").write_text(
        "import sys\n@profile\ndef f():\n    return __name__\nprint(f(), sys.argv)\n"
    )
    done = python(
        "-c",
        """
import memory_profiler as mp
profiler = mp.LineProfiler()
mp.run_module_with_profiler("some_module", profiler, "tracemalloc", ["x"])
mp.show_results(profiler)
import tracemalloc
assert not tracemalloc.is_tracing()
try:
    mp.run_module_with_profiler("no_such_module", profiler, "psutil")
except ImportError as error:
    print(error)
""",
        cwd=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("__main__ ['some_module', 'x']\nFilename: ")
    assert done.stdout.endswith("No module named no_such_module\n")


def test_find_script(mp, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.py").write_text("")
    assert mp._find_script("here.py") == "here.py"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "there.py").write_text("")
    monkeypatch.setenv("PATH", os.pathsep.join(["", str(tmp_path / "bin")]))
    assert mp._find_script("there.py") == str(tmp_path / "bin" / "there.py")
    with pytest.raises(SystemExit) as stop:
        mp._find_script("nowhere.py")
    assert stop.value.code == 1
    assert capsys.readouterr().err == "Could not find script nowhere.py\n"

"""`memline run`: the program behaves as under Python itself, and its lines are booked."""

import os
import signal
import subprocess
import sys
import time

import pytest

SHOW = """\
import sys
print(sys.argv, __name__, __package__, __spec__ and __spec__.name, sys.path[0])
print(sorted(k for k in globals() if not k.startswith('__')), sys.modules['__main__'].__dict__ is globals())
"""


def same_as_python(run, python, profiled, *program, **options):
    """Run with and without memline; the outputs and statuses are equal."""
    plain = run([python, *program], status=None, **options)
    under = profiled(*program, status=None, **options)
    assert under.stdout == plain.stdout
    assert under.returncode == plain.returncode
    return plain, under


def test_a_script_is_the_real_main(run, python, profiled, script):
    script(SHOW)
    same_as_python(run, python, profiled, "app.py", "a", "-b", "--", "c")


def test_a_module_is_the_real_main(run, python, profiled, script):
    script(SHOW, "pkg/__main__.py")
    script("", "pkg/__init__.py")
    script(SHOW, "pkg/tool.py")
    same_as_python(run, python, profiled, "-m", "pkg", "x")
    same_as_python(run, python, profiled, "-m", "pkg.tool", "-x")


def test_code_is_the_real_main(run, python, profiled):
    _, under = same_as_python(run, python, profiled, "-c", SHOW, "x")
    assert under.figures["<module>"][2]["hits"] == 1


def test_folders_and_zip_files_run(run, python, profiled, script, tmp_path):
    import zipfile

    script(
        "import sys\n\ndef f():\n    return len(sys.argv)\n\nprint(__name__, f())\n",
        "d/__main__.py",
    )
    same_as_python(run, python, profiled, "d", "x")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as z:
        z.write(tmp_path / "d" / "__main__.py", "__main__.py")
    _, under = same_as_python(run, python, profiled, "app.pyz", "x", "y")
    assert under.figures["f"][4]["hits"] == 1
    assert under.figures["f"][4]["source"].strip() == "return len(sys.argv)"


def test_standard_input_as_program_and_as_input(run, python, profiled, script):
    same_as_python(run, python, profiled, "-", stdin="print(6 * 7)\n")
    script("print(input()[::-1])\n")
    same_as_python(run, python, profiled, "app.py", stdin="abc\n")


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(3)",
        "import sys; sys.exit('message')",
        "raise SystemExit",
        "def f():\n    return 1 / 0\nf()",
        "raise KeyboardInterrupt",
        "import os; os._exit(5)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; os.abort()",
        "(",
        "import no_such_module_at_all",
        "import atexit; atexit.register(print, 'late'); raise ValueError('x')",
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(.2), print('thread'))).start()",
        "import sys; sys.excepthook = lambda *a: print('hook', a[0].__name__)\n1/0",
    ],
)
def test_the_end_is_the_programs_own(run, python, profiled, script, text):
    if text == "(" and sys.version_info < (3, 10):
        pytest.skip(
            "3.8 and 3.9 number the line of this error otherwise when they do not read the file themselves"
        )
    script(text)
    plain, under = same_as_python(run, python, profiled, "app.py")
    told = under.stderr[: under.stderr.find("{\n")] if "{\n" in under.stderr else under.stderr
    assert told == plain.stderr


def test_a_missing_script_is_named(profiled):
    done = profiled("no_such.py", status=1)
    assert done.stderr.startswith("memline: cannot open script 'no_such.py': no such file\n  try: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sort"], "option '--sort' needs a value"),
        (
            ["--sort", "size", "app.py"],
            "bad value 'size' for 'sort' in the command line; use line or net",
        ),
        (["--sotr", "net"], "unknown option '--sotr'\n  try: --sort"),
        (["-m"], "'-m' needs a module"),
    ],
)
def test_wrong_usage(run, python, options, message):
    done = run([python, "-m", "memline", "run", *options], status=2)
    assert message in done.stderr


def test_no_program_is_wrong_usage(run, python):
    assert "a program to run is missing" in run([python, "-m", "memline", "run"], status=2).stderr


def test_help_names_every_option(run, python):
    from memline import _run

    text = run([python, "-m", "memline", "run", "--help"]).stdout
    for option in [*_run._TEXT, *_run._FLAGS]:
        assert option in text


LOAD = """\
import sys
keep = []

def load(mib):
    keep.append(bytearray(mib << 20))
    return len(keep)

class Box:
    def fill(self):
        inner = lambda n: load(n)
        return inner(10)

load(50)
Box().fill()
"""


@pytest.mark.figures
def test_every_line_of_the_users_code(profiled, script):
    script(LOAD)
    got = profiled("app.py").figures
    assert set(got) == {"<module>", "load", "Box", "Box.fill"}
    assert got["load"][5]["hits"] == 2
    assert got["load"][5]["rss_net_bytes"] == pytest.approx(60 << 20, abs=1 << 20)
    assert got["<module>"][13]["rss_net_bytes"] == pytest.approx(50 << 20, abs=1 << 20)
    assert got["<module>"][14]["rss_net_bytes"] == pytest.approx(10 << 20, abs=1 << 20)


def test_what_is_profiled_can_be_chosen(profiled, script):
    script("import helper, other\nhelper.f()\nother.f()\n")
    for name in ("helper", "other"):
        script("def f():\n    return g()\n\ndef g():\n    return 1\n", f"{name}.py")
    assert {"f", "g", "<module>"} == set(profiled("app.py").figures)
    assert set(profiled("app.py", options=["--function", "g"]).figures) == {"g"}
    only = profiled("app.py", options=["--exclude", "other.py", "--function", "f"]).figures
    assert only["f"][2]["hits"] == 1
    script("import json\njson.loads('[]')\n")
    assert "loads" in profiled("app.py", options=["--include", "*/json/__init__.py"]).figures


def test_settings_of_pyproject(run, python, script, tmp_path):
    script("def f():\n    return 1\n\ndef g():\n    return f()\n\ng()\n")
    script('[tool.memline]\nfunctions = ["g"]\nformat = "json"\n', "pyproject.toml")
    done = run([python, "-m", "memline", "run", "-o", "b", "app.py"])
    assert '"name": "g"' in done.stderr
    assert '"name": "f"' not in done.stderr
    script('[tool.memline]\nsorted = "net"\n', "pyproject.toml")
    done = run([python, "-m", "memline", "run", "app.py"], status=2)
    assert "unknown setting 'sorted' in [tool.memline] of" in done.stderr


def test_a_page_is_written_where_the_run_began(run, python, script, tmp_path):
    program = os.path.join(os.path.dirname(sys.executable), "memline")
    if not os.path.exists(program):
        pytest.skip("no program memline beside this interpreter")
    (tmp_path / "elsewhere").mkdir()
    script("import os\nkept = bytearray(3 << 20)\nos.chdir('elsewhere')\n")
    done = run([python, "-m", "memline", "run", "--html", "out.html", "app.py"])
    assert f"page written to {tmp_path}/out.html" in done.stderr
    assert "kept = bytearray(3 \\u003c\\u003c 20)" in (tmp_path / "out.html").read_text(
        encoding="utf-8"
    )


def test_stacks_for_other_tools(run, python, script):
    script("def f():\n    return bytearray(3 << 20)\n\nkept = f()\n")
    words = ["--stacks", "--format", "collapsed", "app.py"]
    done = run([python, "-m", "memline", "run", *words])
    assert "/app.py:2) 31457" in done.stderr and "/app.py:4);f (" in done.stderr


def test_threads_are_profiled(profiled, script):
    script(
        "import threading\n\n"
        "def work(n):\n    for i in range(n):\n        x = i\n\n"
        "ts = [threading.Thread(target=work, args=(100,)) for _ in range(4)]\n"
        "[t.start() for t in ts]\n[t.join() for t in ts]\n"
    )
    assert profiled("app.py").figures["work"][5]["hits"] == 400


def test_forked_children_are_added(profiled, script):
    script(
        "import os, sys\n\n"
        "def work(n):\n    return n + 1\n\n"
        "for i in range(3):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n        work(i)\n        sys.exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "work(9)\n"
    )
    done = profiled("app.py")
    assert done.figures["work"][4]["hits"] == 4
    assert done.stderr.count('"functions"') == 1


def test_multiprocessing_works_under_it(profiled, script):
    script(
        "import multiprocessing as mp, sys\n\n"
        "def work(n):\n    return n * n\n\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with mp.get_context(method).Pool(2) as pool:\n"
        "            print(method, pool.map(work, range(5)))\n"
    )
    done = profiled("app.py")
    assert done.stdout.split("\n")[:3] == [
        f"{m} [0, 1, 4, 9, 16]" for m in ("fork", "spawn", "forkserver")
    ]


def test_started_processes_are_added_when_asked_for(profiled, script):
    script("import subprocess, sys\nsubprocess.run([sys.executable, 'child.py'], check=True)\n")
    script("def work():\n    return 1\n\nfor _ in range(5):\n    work()\n", "child.py")
    assert "work" not in profiled("app.py").figures
    assert profiled("app.py", options=["--children"]).figures["work"][2]["hits"] == 5


def test_switched_off_it_is_plain_python(profiled, script):
    script(SHOW)
    done = profiled("app.py", env={"MEMLINE": "off"})
    assert done.stderr == ""


def test_the_book_is_whole_after_a_kill(run, python, script, tmp_path):
    script(
        "import time\n\ndef work():\n    return 1\n\n"
        "for _ in range(7):\n    work()\nprint(1, flush=True)\ntime.sleep(60)\n"
    )
    child = subprocess.Popen(
        [python, "-m", "memline", "run", "-o", "b.book", "app.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"1\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    from memline import _core

    assert '"hits": 7' in _core.report([str(tmp_path / "b.book")], format="json")


def test_ctrl_c_ends_it_with_a_report(python, script, tmp_path):
    script("import time\nprint(1, flush=True)\ntime.sleep(60)\n")
    child = subprocess.Popen(
        [python, "-m", "memline", "run", "-o", "b.book", "app.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.readline()
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=20)
    assert child.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in told
    assert b"time.sleep(60)" in told
    assert b"saved in" in told


def test_an_unwritable_book_is_told(run, python, script):
    script("print(1)\n")
    done = run([python, "-m", "memline", "run", "-o", "/no/such/folder/b", "app.py"], status=1)
    assert "memline: cannot create book '/no/such/folder/b'" in done.stderr


def test_many_functions_and_long_ones(profiled, script):
    body = "".join(f"def f{i}():\n    return {i}\n" for i in range(3000))
    script(body + "for i in range(3000):\n    globals()['f%d' % i]()\n")
    done = profiled("app.py", timeout=100)
    assert done.figures["f2999"][6000]["hits"] == 1
    long = "def long(x):\n" + "    x += 1\n" * 20_000 + "    return x\nprint(long(0))\n"
    script(long)
    done = profiled("app.py", timeout=100)
    assert done.stdout == "20000\n"
    assert done.figures["long"][20_001]["hits"] == 1


def test_sources_in_any_encoding(profiled, script, tmp_path):
    (tmp_path / "app.py").write_bytes(
        b"# -*- coding: latin-1 -*-\ndef f():\n    return '\xe9\xe8'\nprint(len(f()))\n"
    )
    done = profiled("app.py")
    assert done.stdout == "2\n"
    assert done.figures["f"][3]["source"].strip() == "return 'éè'"


def test_a_deep_recursion_stays_the_programs_matter(run, python, profiled, script):
    script(
        "import sys\n\ndef down(n):\n    return down(n + 1)\n\n"
        "try:\n    down(0)\nexcept RecursionError:\n    print('deep')\n"
    )
    same_as_python(run, python, profiled, "app.py")


def test_code_that_is_executed_from_text(profiled, script):
    script(
        "import linecache\ntext = 'def made():\\n    return 5\\n'\n"
        "linecache.cache['<made>'] = (len(text), None, text.splitlines(True), '<made>')\n"
        "space = {}\nexec(compile(text, '<made>', 'exec'), space)\nprint(space['made']())\n"
    )
    done = profiled("app.py", options=["--include", "<made>"])
    assert done.figures["made"][2]["source"].strip() == "return 5"


def test_tracers_of_the_program_stay_its_own(run, python, profiled, script):
    script(
        "import sys\nprint(sys.gettrace(), sys.getprofile())\n"
        "def tracer(frame, event, arg):\n    return None\n"
        "sys.settrace(tracer)\nprint(sys.gettrace() is tracer)\n"
    )
    same_as_python(run, python, profiled, "app.py")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_small_descriptor_numbers_are_the_programs(run, python, profiled, script):
    script("import os\nfd = os.open('/dev/null', 0)\nprint(fd)\n")
    same_as_python(run, python, profiled, "app.py")


def test_python_version_is_noted(profiled, script):
    script("print(1)\n")
    assert f'"python": "{sys.version.split()[0]}"' in profiled("app.py").stderr

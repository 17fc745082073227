"""mprof run and attach, with real programs."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

ARGV = "import sys; print(sys.argv[1:])\n"
DECORATED = """
import sys, time

@profile
def inner():
    time.sleep(0.1)
    raise LookupError

@profile
def outer():
    try:
        inner()
    except LookupError:
        pass

outer()
outer()
"""
IMPORTED = "from memory_profiler import profile\n" + DECORATED
SPIKE = f"""
import time
time.sleep(0.3)
x = bytearray({150 * 2**20})
del x
time.sleep(0.4)
"""
CHILDREN = f"""
import subprocess, sys
code = "import time; x = bytearray({60 * 2**20}); time.sleep(0.6)"
processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
for process in processes:
    process.wait()
"""


def peak(mprof, name=None):
    return max(float(record[1]) for record in mprof.records("MEM", name))


def levels(mprof):
    return sorted((record[1], int(record[6])) for record in mprof.records("FUNC"))


def test_script(mprof):
    script = mprof.script(ARGV + "import time; time.sleep(0.5)\n")
    out = mprof("run", "-T", "0.05", script, "-5", "--", "-T", "a b")
    assert out.splitlines() == [
        "mprof: Sampling memory every 0.05s",
        "running new process",
        "running as a Python program...",
        "['-5', '--', '-T', 'a b']",
    ]
    (name,) = mprof.profiles()
    assert re.fullmatch(r"mprofile_\d{14}\.dat", name)
    first = (mprof.folder / name).read_text().splitlines()[0]
    assert first == f"CMDLINE {sys.executable} script.py -5 -- -T 'a b'"
    assert 8 <= len(mprof.records("MEM")) <= 60
    assert re.search(r"^MEM \d+\.\d{6} \d+\.\d{4}$", (mprof.folder / name).read_text(), re.M)


@pytest.mark.parametrize(
    "options",
    [
        ["-T", "0.01"],
        ["--interval=0.01"],
        ["-T0.01"],
        ["--inter", "0.01"],
        ["-CT", "0.01"],
        ["-C", "-M", "-T", "0.01", "--"],
    ],
)
def test_forms_of_options(mprof, options):
    out = mprof("run", *options, mprof.script(ARGV), "-x", "-E")
    assert "every 0.01s" in out
    assert out.splitlines()[-1] == "['-x', '-E']"


def test_functions_of_a_decorated_script(mprof):
    mprof("run", mprof.script(DECORATED))
    assert levels(mprof) == [("__main__.inner", 1)] * 2 + [("__main__.outer", 0)] * 2
    for record in mprof.records("FUNC"):
        assert float(record[5]) - float(record[3]) >= 0.1
    assert mprof("peak", "--func", "__main__.outer").count("MiB") == 1


@pytest.mark.parametrize("options", [[], ["-M"], ["-C"], ["--backend", "psutil_pss"]])
@pytest.mark.parametrize("text", [DECORATED, IMPORTED], ids=["builtin", "imported"])
def test_functions_with_every_option(mprof, options, text):
    mprof("run", *options, mprof.script(text))
    assert levels(mprof) == [("__main__.inner", 1)] * 2 + [("__main__.outer", 0)] * 2


@pytest.mark.parametrize("options", [["--nopython", sys.executable], [sys.executable]])
def test_functions_of_a_program_that_imports_profile(mprof, options):
    mprof("run", *options, mprof.script(IMPORTED))
    assert levels(mprof) == [("__main__.inner", 1)] * 2 + [("__main__.outer", 0)] * 2


def test_functions_of_coroutines_and_blocks(mprof):
    script = mprof.script(
        "import asyncio\n"
        "@profile\n"
        "async def nap():\n    await asyncio.sleep(0.2)\n"
        "asyncio.run(nap())\n"
        "with profile.timestamp('load data'):\n    pass\n"
        "with profile:\n    pass\n"
    )
    mprof("run", script)
    spans = {record[1]: float(record[5]) - float(record[3]) for record in mprof.records("FUNC")}
    assert set(spans) == {"__main__.nap", ".load_data", ".<block>"}
    assert spans["__main__.nap"] >= 0.2


@pytest.mark.figures
def test_a_peak_between_two_samples(mprof):
    mprof("run", "-T", "0.2", mprof.script(SPIKE))
    assert peak(mprof) > 150
    assert float(mprof.records("MEM")[-1][1]) < 100


@pytest.mark.figures
def test_children(mprof):
    script = mprof.script(CHILDREN)
    mprof("run", "-T", "0.02", "-C", "-o", "sum.dat", script)
    mprof("run", "-T", "0.02", "-M", "-o", "each.dat", script)
    mprof("run", "-T", "0.02", "-o", "main.dat", script)
    assert peak(mprof, "sum.dat") > 120
    assert peak(mprof, "each.dat") < 60
    assert peak(mprof, "main.dat") < 60
    out = mprof("peak", "each.dat")
    children = [float(x) for x in re.findall(r"^  Child \d+\t\t\t([\d.]+) MiB$", out, re.M)]
    assert len(children) == 2
    assert min(children) > 60


def test_pool_with_children(mprof):
    script = mprof.script(
        "import multiprocessing, os\n"
        "@profile\n"
        "def work(n):\n    return n * n\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool:\n"
        "            print(pool.map(work, [1, 2, 3]))\n"
    )
    out = mprof("run", "-C", script)
    assert out.count("[1, 4, 9]") == 2
    assert len([r for r in mprof.records("FUNC") if r[1].endswith(".work")]) == 6


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 0), ("import sys; sys.exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_exit_status(mprof, text, status):
    script = mprof.script(text)
    mprof("run", script)
    mprof("run", "-E", script, status=status)
    told = -9 if status == 137 else status
    expected = f"ERROR:mprof:Program resulted with a non-zero exit code: {told}"
    assert (expected in mprof.err) == (status != 0)


def test_run_action_from_python(mprof, monkeypatch):
    import mprof as module

    monkeypatch.chdir(mprof.folder)
    monkeypatch.setenv("PYTHONPATH", mprof.environment["PYTHONPATH"])
    for text, status in (("", 0), ("raise LookupError", 1)):
        script = mprof.script(text)
        monkeypatch.setattr("sys.argv", ["<ignored>", "--exit-code", script])
        with pytest.raises(SystemExit) as caught:
            module.run_action()
        assert caught.value.code == status
        monkeypatch.setattr("sys.argv", ["<ignored>", script])
        module.run_action()


def test_other_programs(mprof):
    out = mprof("run", "-T", "0.02", "sh", "-c", "echo $MEMLINE_MPROF_FILE; sleep 0.3")
    assert "running as a Python program..." not in out
    (name,) = mprof.profiles()
    assert out.splitlines()[-1] == str(mprof.folder.resolve() / name)
    assert len(mprof.records("MEM")) >= 5


def test_program_with_newlines(mprof):
    mprof("run", sys.executable, "-c", "x = 1\nprint(x)\n")
    text = (mprof.folder / mprof.profiles()[0]).read_text()
    assert text.splitlines()[0] == f"CMDLINE {sys.executable} -c 'x = 1\\nprint(x)\\n'"
    mprof("peak")
    assert mprof.err == ""


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-u", "-W", "ignore", "script.py"],
        [sys.executable, "script.py"],
        [sys.executable, "-m", "script"],
        ["script"],
    ],
)
def test_python_commands(mprof, command):
    mprof.script("print(__name__)\n@profile\ndef f(): pass\nf()\n")
    mprof.environment["PYTHONPATH"] += os.pathsep + str(mprof.folder)
    out = mprof("run", "--python", *command)
    assert "running as a Python program..." in out
    assert out.splitlines()[-1] == "__main__"
    assert levels(mprof) == [("__main__.f", 0)]


def test_python_named_script(mprof):
    assert "['a']" in mprof("run", mprof.script(ARGV, "python_x.py"), "a")


def test_python_without_memory_profiler(mprof, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bin")
    other = folder / "python-alone"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    other.chmod(0o755)
    out = mprof("run", "--python", other, mprof.script(ARGV), "a")
    assert out.splitlines()[-1] == "['a']"
    assert f"no module memory_profiler for '{other}': no function marks" in mprof.err


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        ([], 1, ""),
        (["no-such-program"], 1, "cannot run 'no-such-program': no such file or directory"),
        (
            ["-o", "/no/such/place.dat", "true"],
            1,
            "cannot write '/no/such/place.dat': no such file",
        ),
        (["-o", "/dev/full", "true"], 1, "cannot write '/dev/full': no space left on device"),
        (["--interval", "0", "true"], 2, "--interval"),
        (["--interval", "nan", "true"], 2, "--interval"),
        (["--backend", "x", "true"], 2, "--backend"),
        (["--no-such", "true"], 2, "--no-such"),
        (["-C", "--backend", "posix", "true"], 2, "include-children"),
    ],
)
def test_wrong_usage(mprof, args, status, message):
    out = mprof("run", *args, status=status)
    assert message in mprof.err
    assert args or out == "A program to run must be provided. Use -h for help\n"
    assert mprof.profiles() == []


def test_missing_script(mprof):
    mprof("run", "-E", "no_such.py", status=1)
    assert "Could not find script no_such.py" in mprof.err


def test_backend_is_passed_on(mprof):
    out = mprof("run", "--backend", "tracemalloc", mprof.script("print(profile.backend)"))
    assert out.splitlines()[-1] == "tracemalloc"
    assert "tracemalloc cannot be sampled from outside" in mprof.err
    assert mprof.records("MEM")


def test_two_runs_in_a_second(mprof):
    processes = [mprof.start("run", "true") for _ in range(4)]
    for process in processes:
        process.communicate(timeout=60)
    assert len(mprof.profiles()) == 4


def test_output_is_appended_to(mprof):
    for _ in range(2):
        mprof("run", "-o", "my.dat", "true")
    assert len(mprof.records("CMDLINE", "my.dat")) == 2
    assert mprof.profiles() == []


def test_records_come_while_it_runs(mprof):
    process = mprof.start("run", mprof.script("import time; time.sleep(20)"))
    try:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            time.sleep(0.1)
            if mprof.profiles() and mprof.records("MEM"):
                break
        assert mprof.records("MEM")
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def wait_for(path, word):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (path.exists() and word in path.read_text()):
        time.sleep(0.02)


def test_sigterm_loses_nothing(mprof):
    script = mprof.script(
        "import time\n@profile\ndef f(): pass\nf()\nopen('ready', 'w').write('ready')\ntime.sleep(30)\n"
    )
    process = mprof.start("run", "-T", "0.05", script)
    wait_for(mprof.folder / "ready", "ready")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "Traceback" not in err
    last = float(mprof.records("MEM")[-1][2])
    assert time.time() - last < 10
    assert len(mprof.records("MEM")) >= 6
    assert levels(mprof) == [("__main__.f", 0)]


def test_interrupt_waits_for_the_program(mprof):
    script = mprof.script(
        "import time\n"
        "open('ready', 'w').write('ready')\n"
        "try:\n    time.sleep(30)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.3); print('cleaned up')\n"
    )
    process = mprof.start("run", script, start_new_session=True)
    wait_for(mprof.folder / "ready", "ready")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "cleaned up" in out
    assert "Traceback" not in err


def test_timeout_stops_the_sampling(mprof):
    script = mprof.script("import time; time.sleep(2.5)")
    mprof("run", "-t", "1", "-E", script)
    times = [float(record[2]) for record in mprof.records("MEM")]
    assert times[-1] - times[0] < 2


# -- attach ----------------------------------------------------------------------------------------


@pytest.fixture
def sleeper(tmp_path_factory):
    """A process with a name of its own that ends after a second or two."""
    name = tmp_path_factory.mktemp("bin") / f"memline-nap-{os.getpid()}"
    name.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(name), "2"])
    time.sleep(0.1)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("command", "hint"), [(["attach"], "pid"), (["attach"], "name"), (["run", "-a"], "pid")]
)
def test_attach(mprof, sleeper, hint, command):
    word = str(sleeper.pid) if hint == "pid" else f"nap-{os.getpid()}"
    out = mprof(*command, "-T", "0.05", word)
    assert out.splitlines() == [
        "mprof: Sampling memory every 0.05s",
        f"attaching to existing process, using hint: {word}",
    ]
    assert len(mprof.records("MEM")) > 5
    assert mprof.records("CMDLINE")[0][-1] == "2"


def test_attach_for_a_time(mprof, sleeper):
    mprof("attach", "-t", "1", "-E", "-T", "0.05", sleeper.pid)
    assert sleeper.poll() is None
    assert len(mprof.records("MEM")) > 5


def test_attach_cannot_tell_the_status(mprof, sleeper):
    out = mprof("attach", "-E", sleeper.pid)
    assert out.splitlines()[-1].endswith(
        "the exit status of a process not started by us is unknown"
    )


def test_attach_is_ended_by_ctrl_c(mprof, sleeper):
    process = mprof.start("attach", sleeper.pid)
    wait_for_file = time.monotonic() + 20
    while not mprof.profiles() and time.monotonic() < wait_for_file:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert mprof.records("MEM")


@pytest.mark.parametrize("hint", ["no-such-process-anywhere", "999999999", "-5"])
def test_attach_to_nobody(mprof, hint):
    mprof("attach", "--", hint, status=1)
    assert f"Failed to find a process using hint: {hint}" in mprof.err
    assert mprof.profiles() == []
    mprof("attach", status=1)


def test_find_first_process(sleeper):
    import mprof as module

    found = module.find_first_process(f"nap-{os.getpid()}")
    assert found.pid == sleeper.pid
    assert module.find_first_process("no-such-process-anywhere") is None

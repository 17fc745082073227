"""`memline run` chooses an interpreter and becomes it; memline._run is a stand-in here."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

STAND_IN = """
import os, sys
if sys.argv[1:2] == ["signal"]:
    print("ready", flush=True)
    os.read(0, 1)
    os.kill(os.getpid(), int(sys.argv[2]))
elif sys.argv[1:2] == ["exit"]:
    sys.exit(int(sys.argv[2]))
elif sys.argv[1:2] == ["wait"]:
    print(os.getpid(), flush=True)
    sys.stdin.read()
else:
    print(repr((sys.prefix, __name__, sys.argv[1:], sys.stdin.read())))
"""


@pytest.fixture(scope="module")
def environments(tmp_path_factory) -> Path:
    """A folder of virtual environments: with and without a package memline."""
    root = tmp_path_factory.mktemp("environments")
    for name in ("one", "two", "without"):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / name], check=True)
    for name in ("one", "two"):
        package = next((root / name).glob("lib/python3*/site-packages")) / "memline"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "_run.py").write_text(STAND_IN)
    return root


@pytest.fixture
def installed(program, environments) -> str:
    """The program in the bin folder of environment "one"."""
    path = environments / "one" / "bin" / "memline"
    if not path.exists():
        shutil.copy(program, path)
    return str(path)


@pytest.fixture
def elsewhere(program, tmp_path) -> str:
    """The program where no interpreter is near."""
    path = tmp_path / "tools" / "deep" / "memline"
    path.parent.mkdir(parents=True)
    shutil.copy(program, path)
    return str(path)


def settings(**more: str) -> Dict[str, str]:
    return {"VIRTUAL_ENV": "", "MEMLINE_PYTHON": "", "PATH": "/nonexistent", **more}


def prefix(done) -> str:
    return Path(eval(done.stdout)[0]).name


def test_arguments_and_input_go_through(run, installed):
    words = ["--help", "-o", "x y", "", "--", "a.py", "-c", "\u4e16"]
    done = run([installed, "run", *words], env=settings(), stdin="two\nlines")
    assert eval(done.stdout)[1:] == ("__main__", words, "two\nlines")
    assert done.stderr == ""


@pytest.mark.parametrize("status", [0, 1, 2, 77, 255])
def test_the_exit_status_is_the_programs(run, installed, status):
    run([installed, "run", "exit", str(status)], env=settings(), status=status)


def test_it_stays_the_same_process(installed):
    with subprocess.Popen(
        [installed, "run", "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as p:
        assert int(p.stdout.readline()) == p.pid
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == -signal.SIGTERM


def test_a_signal_ends_it_as_a_signal(installed):
    with subprocess.Popen(
        [installed, "run", "signal", str(int(signal.SIGABRT))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as p:
        assert p.stdout.readline() == "ready\n"
        p.stdin.close()
        assert p.wait(20) == -signal.SIGABRT


# --- which interpreter ---------------------------------------------------------------------------


def test_the_variable_comes_first(run, installed, environments):
    env = settings(MEMLINE_PYTHON=str(environments / "two" / "bin" / "python"))
    assert prefix(run([installed, "run"], env=env)) == "two"


def test_the_variable_may_name_a_program_on_the_path(run, installed, environments):
    env = settings(MEMLINE_PYTHON="python3", PATH=str(environments / "two" / "bin"))
    assert prefix(run([installed, "run"], env=env)) == "two"


def test_then_the_one_beside_the_program(run, installed, environments):
    env = settings(VIRTUAL_ENV=str(environments / "two"))
    assert prefix(run([installed, "run"], env=env)) == "one"


def test_a_link_to_the_program_counts_as_the_program(run, installed, tmp_path):
    (tmp_path / "ml").symlink_to(installed)
    assert prefix(run([tmp_path / "ml", "run"], env=settings())) == "one"


def test_then_the_active_environment(run, elsewhere, environments):
    env = settings(VIRTUAL_ENV=str(environments / "two"))
    assert prefix(run([elsewhere, "run"], env=env)) == "two"


def test_then_an_environment_above_the_program(run, elsewhere, environments, tmp_path):
    (tmp_path / ".venv").symlink_to(environments / "two")
    env = settings(PATH=str(environments / "one" / "bin"))
    # The prefix is the way it was called.
    assert prefix(run([elsewhere, "run"], env=env)) == ".venv"


def test_then_the_path(run, elsewhere, environments):
    env = settings(PATH=f"/nonexistent::{environments / 'one' / 'bin'}")
    assert prefix(run([elsewhere, "run"], env=env)) == "one"


def test_no_interpreter_at_all(run, elsewhere):
    done = run([elsewhere, "run", "x.py"], env=settings(), status=1)
    assert done.stderr == (
        "memline: no Python interpreter found\n"
        "  try: put python3 on PATH, or set MEMLINE_PYTHON to its path\n"
    )


def test_an_interpreter_without_memline(run, elsewhere, environments):
    python = environments / "without" / "bin" / "python"
    done = run([elsewhere, "run"], env=settings(MEMLINE_PYTHON=str(python)), status=1)
    assert done.stdout == ""
    assert done.stderr == (
        f"memline: Python '{python}' cannot import memline\n"
        f"  try: {python} -m pip install memline, or set MEMLINE_PYTHON to a Python that has it\n"
    )


@pytest.mark.parametrize(
    ("python", "text"),
    [
        ("/nonexistent/python", "cannot start Python '/nonexistent/python': no such file"),
        ("/etc/passwd", "cannot start Python '/etc/passwd': permission denied"),
        ("/bin/false", "Python '/bin/false' does not work: it ended with status 1"),
        ("x" * 5000, "$MEMLINE_PYTHON is too long"),
    ],
)
def test_an_interpreter_that_does_not_work(run, elsewhere, python, text):
    done = run([elsewhere, "run"], env=settings(MEMLINE_PYTHON=python), status=1)
    assert text in done.stderr
    assert "  try: " in done.stderr


def test_the_check_reads_nothing_of_the_input(run, installed):
    text = "x" * 100_000
    done = run([installed, "run"], env=settings(), stdin=text)
    assert eval(done.stdout)[3] == text


def test_descriptors_are_handed_on(installed):
    read, write = os.pipe()
    try:
        with subprocess.Popen(
            [installed, "run", "exit", "0"], pass_fds=[write], stdout=subprocess.DEVNULL
        ) as p:
            assert p.wait(20) == 0
    finally:
        os.close(read)
        os.close(write)

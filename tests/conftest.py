"""What every Python test may use: the interpreter, the program, isolated scripts, golden files."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Union

import pytest

ROOT = Path(__file__).resolve().parent.parent
ISOLATED = ROOT / "tests" / "py" / "isolated"
GOLDEN = ROOT / "tests" / "golden"

# In the background of a shell it is ignored, and the programs that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def clean_environment() -> Dict[str, str]:
    """The caller's environment without what would steer an interpreter or memline."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEMLINE", "PYTHON", "COVERAGE"))
    }
    kept["LC_ALL"] = "C.UTF-8"
    kept["NO_COLOR"] = "1"
    return kept


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter under test."""
    return sys.executable


@pytest.fixture(scope="session")
def program() -> str:
    """The program memline: $MEMLINE_PROGRAM, else beside the interpreter, else of build/."""
    given = os.environ.get("MEMLINE_PROGRAM")
    places = [Path(given)] if given else [Path(sys.executable).parent, ROOT / "build"]
    path = next((p for p in (q if given else q / "memline" for q in places) if p.exists()), None)
    assert path is not None, f"no program at {places}: run `make build`"
    return str(path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(command, ...): a timed subprocess in a fresh folder, its output as text.

    status: the exit status it must have, None for any; a killed process has a negative one.
    env: variables to add. What it printed is part of the failure message.
    """

    def run_command(
        command: Sequence[Union[str, Path]],
        *,
        status: Optional[int] = 0,
        timeout: float = 60,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[Path] = None,
        stdin: str = "",
    ) -> "subprocess.CompletedProcess[str]":
        words: List[str] = [str(word) for word in command]
        try:
            done = subprocess.run(
                words,
                input=stdin,
                capture_output=True,
                encoding="utf-8",
                errors="backslashreplace",
                env={**clean_environment(), **(env or {})},
                cwd=str(cwd or tmp_path),
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"{words}: still running after {timeout} s\n{late.stdout}\n{late.stderr}")
        if status is not None and done.returncode != status:
            pytest.fail(
                f"{words}: exit status {done.returncode}, not {status}\n"
                f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
            )
        return done

    return run_command


@pytest.fixture
def isolated(run: Run, python: str) -> Run:
    """isolated("fork.py", *args, ...): run a script of tests/py/isolated; options as for run."""

    def run_script(name: str, *args: str, **options: object) -> "subprocess.CompletedProcess[str]":
        return run([python, ISOLATED / name, *args], **options)

    return run_script


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """golden("report/table.txt", text): text equals the file; `make test UPDATE=1` rewrites it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"differs from {path}"

    return compare

"""Interpreters with azure-functions and more, made once with pip and kept under .venvs/."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What to test beside the newest release for this Python: an older 1.x, and 1.x where 2.x is newest.
OLDER = {
    (3, 8): "azure-functions==1.17.0",
    (3, 9): "azure-functions==1.18.0",
    (3, 10): "azure-functions==1.20.0",
    (3, 11): "azure-functions==1.21.3",
    (3, 12): "azure-functions==1.23.0",
    (3, 13): "azure-functions==1.23.0",
}


def need_everyday() -> None:
    """Skip where many packages would have to be installed once more: what they test is tried with the
    interpreter of .venv, and with every other when $MEMLINE_APPS is `all`."""
    if Path(sys.prefix) != ROOT / ".venv" and os.environ.get("MEMLINE_APPS") != "all":
        pytest.skip("tried with the everyday interpreter; MEMLINE_APPS=all tries every one")


def environment(name: str, requirements: List[str]) -> str:
    """The interpreter of .venvs/NAME-3.X, made with pip unless it is there. Safe to call at once from
    several test runs."""
    folder = ROOT / ".venvs" / "{}-{}.{}".format(name, *sys.version_info[:2])
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(folder.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make(folder, requirements)
    return str(folder / "bin" / "python")


def _make(folder: Path, requirements: List[str]) -> None:
    stamp = folder / ".requirements"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--prefer-binary"]
    pip.append("--disable-pip-version-check")
    subprocess.run(pip + requirements, check=True, env={**os.environ, "PYTHONPATH": ""})
    stamp.write_text(wanted)


def leave_out_of_timeouts(items: List[Any], folder: Path) -> None:
    """The tests of this folder are timed without their fixtures: pip may take its time once."""
    for item in items:
        if Path(str(item.fspath)).parent == folder:
            item.add_marker(pytest.mark.timeout(func_only=True))

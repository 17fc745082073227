"""Interpreters with azure-functions and more, made once with pip and kept under .venvs/."""

import os
import subprocess
import sys
from pathlib import Path
from typing import List

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


def environment(name: str, requirements: List[str]) -> str:
    """The interpreter of .venvs/NAME-3.X, made with pip unless it is there."""
    folder = ROOT / ".venvs" / "{}-{}.{}".format(name, *sys.version_info[:2])
    stamp = folder / ".requirements"
    wanted = "\n".join(requirements)
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--prefer-binary",
        ]
        subprocess.run(pip + requirements, check=True, env={**os.environ, "PYTHONPATH": ""})
        stamp.write_text(wanted)
    return str(python)

"""Tests of mprof: each runs it as a user does, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import memline
import pytest

COMPAT = Path(__file__).parents[3] / "compat"
PACKAGE_PARENT = Path(memline.__file__).parent.parent

if str(COMPAT) not in sys.path:
    sys.path.insert(0, str(COMPAT))

PATHS = os.pathsep.join([str(PACKAGE_PARENT), str(COMPAT)])


class Mprof:
    """Runs mprof in a folder; keeps what it printed."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = dict(os.environ, PYTHONPATH=PATHS, MPLBACKEND="agg", TZ="UTC")
        self.environment.pop("DISPLAY", None)

    def command(self, *args):
        return [sys.executable, "-m", "mprof", *map(str, args)]

    def start(self, *args, **options):
        return subprocess.Popen(
            self.command(*args),
            cwd=str(self.folder),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            **options,
        )

    def __call__(self, *args, status=0):
        process = self.start(*args)
        out, err = process.communicate(timeout=60)
        assert process.returncode == status, out + err
        assert "Traceback (most recent call last)" not in err, err
        self.err = err
        return out

    def profiles(self):
        return sorted(path.name for path in self.folder.glob("mprofile_*.dat"))

    def records(self, word, name=None):
        """The fields of all records of a kind, in a file (the newest)."""
        text = (self.folder / (name or self.profiles()[-1])).read_text()
        return [line.split() for line in text.splitlines() if line.startswith(word + " ")]

    def script(self, text, name="script.py"):
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
def mprof(tmp_path):
    return Mprof(tmp_path)


SAMPLE = """\
CMDLINE python script.py 'a b'
FUNC __main__.load 10.0000 1000.2000 70.0000 1000.6000 1
MEM 10.000000 1000.0000
MEM 42.500000 1000.3000
MEM 126.328125 1000.5000
CHLD 77 70.882812 1000.5000
CHLD 77 12.000000 1000.6000
CHLD 78 3.000000 1000.6000
FUNC __main__.main 10.0000 1000.1000 10.0000 1000.7000 0
FUNC package.tools.load 10.0000 1000.6100 11.0000 1000.6200 0
MEM 11.000000 1000.8000
"""


@pytest.fixture
def sample_text():
    return SAMPLE


@pytest.fixture
def sample(mprof):
    """A file as mprof run makes it."""
    (mprof.folder / "mprofile_20201122074942.dat").write_text(SAMPLE)
    return "mprofile_20201122074942.dat"

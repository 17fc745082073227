"""Some of CPython's own tests end under memline as they do without; `make cpython-tests` has more."""

import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "cpython_tests.py"


def test_python_s_own_tests_end_as_without(run, python, tmp_path):
    pytest.importorskip("test.test_mmap", reason="this Python came without its tests")
    names = ["test_mmap", "test_generators"]
    done = run([sys.executable, TOOL, "--log", tmp_path / "log", python, *names], timeout=300)
    rows = [line.split(" | ") for line in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["| " + name for name in names]
    for row in rows:
        assert row[-1] == "the same |"
        assert all(int(cell.split(",")[0]) > 20 and "failed" not in cell for cell in row[1:4]), row

"""The pytest plugin, in runs of pytest of their own."""

import json
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest

LIB = """\
CACHE = []
def temp(n):
    return len(bytearray(n))
def keep(n):
    CACHE.append(bytearray(n))
"""

Suite = Callable[..., Any]


@pytest.fixture
def suite(run: Any, python: str, tmp_path: Path) -> Suite:
    """suite(tests, "--memline", ...): pytest on the text, beside lib.py; what it printed."""

    def go(tests: str, *options: str, **kw: Any) -> Any:
        (tmp_path / "lib.py").write_text(LIB)
        if tests:
            (tmp_path / "test_it.py").write_text("import asyncio, pytest, lib\n" + tests)
        quiet = ["-q", "-p", "no:cacheprovider", "-W", "ignore"]
        return run([python, "-m", "pytest", *quiet, *options], cwd=tmp_path, timeout=110, **kw)

    return go


def table(out: str) -> Dict[str, Tuple[float, float, float]]:
    """{test: (peak, net, held)} in KiB, of the report."""
    size = r"(-?[\d.]+) ?(B|KiB|MiB)?"
    unit = {"": 1 / 1024, None: 1 / 1024, "B": 1 / 1024, "KiB": 1.0, "MiB": 1024.0}
    found = {}
    for line in out.splitlines():
        m = re.match(rf"\s*{size}\s+{size}\s+{size}\s+test_it\.py::(\S+)$", line)
        if m:
            numbers = [float(m[i]) * unit[m[i + 1]] for i in (1, 3, 5)]
            found[m[7]] = (numbers[0], numbers[1], numbers[2])
    return found


TESTS = """
@pytest.fixture
def big():
    yield bytearray(5 << 20)
@pytest.fixture
def bag():
    return []
def test_small():
    pass
def test_fixture(big):
    assert big
def test_temp():
    lib.temp(3 << 20)
def test_keep():
    lib.keep(2 << 20)
def test_bag(bag):
    bag.append(bytearray(1 << 20))
@pytest.mark.parametrize("mib", [1, 2])
def test_param(mib):
    lib.temp(mib << 20)
@pytest.mark.asyncio
async def test_async():
    await asyncio.gather(*[task() for _ in range(3)])
async def task():
    block = bytearray(1 << 20)
    await asyncio.sleep(0.01)
import unittest
class TestUnit(unittest.TestCase):
    def test_unit(self):
        lib.temp(4 << 20)
class TestClass:
    def test_method(self, bag):
        lib.temp(1 << 20)
"""
EXPECTED = {  # MiB: peak, held
    "test_small": (0, 0),
    "test_fixture": (0, 0),
    "test_temp": (3, 0),
    "test_keep": (2, 2),
    "test_bag": (1, 0),
    "test_param[1]": (1, 0),
    "test_param[2]": (2, 0),
    "test_async": (3, 0),
    "TestUnit::test_unit": (4, 0),
    "TestClass::test_method": (1, 0),
}


@pytest.mark.figures
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_each_test_has_its_figures(suite: Suite, options: List[str]) -> None:
    out = suite(TESTS, "--memline", "--memline-top", "20", *options).stdout
    seen = table(out)
    assert set(seen) == set(EXPECTED), out
    for name, (peak, held) in EXPECTED.items():
        assert abs(seen[name][0] - peak * 1024) < 60, (name, out)
        assert abs(seen[name][2] - held * 1024) < 60, (name, out)
    assert re.search(r"peak 3\.0 MiB  lib\.py:3 temp  return len\(bytearray\(n\)\)", out)
    assert re.search(r"peak 1\.0 MiB  test_it\.py:\d+ task  block = bytearray\(1 << 20\)", out)


@pytest.mark.figures
@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_limits_and_leaks_fail(suite: Suite, options: List[str]) -> None:
    tests = """
@pytest.mark.memline(limit="1 MB")
def test_over():
    lib.temp(2 << 20)
@pytest.mark.memline(limit="3 MB")
def test_under():
    lib.temp(2 << 20)
@pytest.mark.memline(leak="100 KB")
def test_leak():
    lib.keep(1 << 20)
@pytest.mark.memline(leak="100 KB")
def test_no_leak():
    lib.temp(1 << 20)
@pytest.mark.memline(leak="100 KB")
def test_garbage():
    block = [bytearray(1 << 20)]
    block.append(block)
@pytest.mark.memline(leak=100)
def test_that_fails_is_told_once():
    lib.keep(1 << 20)
    assert 0
"""
    out = suite(tests, "--memline", *options, status=1).stdout
    assert "2 failed, 4 passed, 1 error" in out
    assert "test_over rose by 2.0 MiB, more than its limit of 1 MB" in out
    assert "peak 2.0 MiB  lib.py:3 temp" in out
    assert "test_leak left behind 1.0 MiB, more than its leak of 100 KB" in out
    assert "held 1.0 MiB  lib.py:5 keep  CACHE.append(bytearray(n))" in out
    assert "7 passed" not in out
    plain = suite("", status=1).stdout  # nobody asked for it
    assert "1 failed, 5 passed" in plain and "memline" not in plain.replace("memline(", "")


def test_wrong_marks_and_options(suite: Suite) -> None:
    suite("@pytest.mark.memline(limit='much')\ndef test_x(): pass\n")
    out = suite("", "--memline", status=4)
    assert "limit='much' is no size" in out.stdout + out.stderr
    suite("@pytest.mark.memline(peak='1 MB')\ndef test_x(): pass\n")
    out = suite("", "--memline", status=4)
    assert "takes limit= and leak=, nothing else" in out.stdout + out.stderr
    suite("def test_x(): pass\n")
    for options, says in (
        (["--memline-update"], "--memline-update needs --memline-baseline FILE"),
        (["--memline-baseline", "no.json"], "does not exist; write it with --memline-update"),
        (["--memline", "--memline-tolerance", "x"], "takes such as 10%+64KiB"),
        (["--memline-baseline", "lib.py"], "cannot read baseline"),
    ):
        out = suite("", *options, status=4)
        assert says in out.stdout + out.stderr


BASE = """
def test_a():
    lib.temp(1 << 20)
    x = [bytearray({n}) for _ in range(3)]
def test_b():
    lib.temp(2 << 20)
"""


@pytest.mark.figures
def test_a_baseline_names_the_line_that_grew(suite: Suite, tmp_path: Path) -> None:
    update = ["--memline-baseline", "base.json", "--memline-update"]
    out = suite(BASE.format(n=200000), *update).stdout
    assert "memline: baseline written: " in out
    told = json.loads((tmp_path / "base.json").read_text())
    assert list(told["tests"]) == ["test_it.py::test_a", "test_it.py::test_b"]
    again = suite("", "--memline-baseline", "base.json").stdout
    assert "grew" not in again
    # Elsewhere in the file, indented anew: the same line. In a library: every test that calls it.
    moved = "\n\n# a comment\n" + BASE.format(n=200000).replace("    x", "    # why\n    x  ")
    suite(moved.replace("x   =", "x ="), "--memline-baseline", "base.json")
    out = suite(BASE.format(n=900000), "--memline-baseline", "base.json", status=1).stdout
    assert "memline: lines that grew" in out and "test_it.py::test_a" in out
    assert re.search(r"test_it\.py:5 test_a  x = \[bytearray\(900000\).*  \(a new line\)", out)
    assert "test_it.py::test_b" not in out
    suite("", "--memline-baseline", "base.json", "--memline-tolerance", "5MiB", "-n", "2")
    lib = tmp_path / "test_it.py"
    lib.write_text("import lib\n" + BASE.format(n=200000).replace("2 << 20", "3 << 20"))
    out = suite("", "--memline-baseline", "base.json", status=1).stdout
    assert re.search(r"lib\.py:3 temp  return .*\n +rises by 3\.0 MiB, was 2\.0 MiB", out), out


@pytest.mark.figures
def test_tests_that_did_not_run_keep_their_baseline(suite: Suite, tmp_path: Path) -> None:
    update = ["--memline-baseline", "base.json", "--memline-update"]
    suite(BASE.format(n=1000), *update)
    suite("", *update, "-k", "test_b")
    told = json.loads((tmp_path / "base.json").read_text())
    assert list(told["tests"]) == ["test_it.py::test_a", "test_it.py::test_b"]
    (tmp_path / "test_it.py").write_text("def test_new(): pass\n")
    assert "1 test not in the baseline" in suite("", "--memline-baseline", "base.json").stdout


def test_unasked_it_imports_nothing(suite: Suite) -> None:
    suite(
        "import sys\n"
        "def test_it():\n"
        "    ours = sorted(m for m in sys.modules if m.startswith('memline'))\n"
        "    assert ours == ['memline', 'memline.pytest_plugin'], ours\n"
    )


def test_the_marker_is_known(suite: Suite) -> None:
    assert "@pytest.mark.memline(limit=None, leak=None)" in suite("", "--markers").stdout

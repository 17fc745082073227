"""The sum at the end of the gate counts what the runners wrote."""

import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "sum_tests.py"

PYTEST = """<testsuites><testsuite name="python 3.8" tests="4">
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="x"/></testcase>
<testcase classname="a" name="broken"><error message="x"/></testcase>
<testcase classname="a" name="left"><skipped message="needs 3.12"/></testcase>
</testsuite></testsuites>"""
MESON = """<testsuites><testsuite name="memline.base/vec" tests="2">
<testcase name="1 - one" classname="memline.base/vec"/>
<testcase name="2 - two" classname="memline.base/vec"/>
</testsuite></testsuites>"""


def total(folder: Path, *options: str) -> Tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(TOOL), *options, str(folder)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    return done.returncode, done.stdout


def test_results_of_both_runners_are_added(tmp_path: Path) -> None:
    (tmp_path / "py-3.8.xml").write_text(PYTEST)
    (tmp_path / "c.xml").write_text(MESON)
    status, text = total(tmp_path)
    assert status == 1
    assert text.splitlines()[-1] == "3 passed, 2 failed, 1 skipped"
    assert "FAILED py-3.8: a.bad" in text
    assert "skipped: needs 3.12" in text


def test_nothing_run_is_not_a_success(tmp_path: Path) -> None:
    assert total(tmp_path) == (1, "0 passed, 0 failed, 0 skipped\n")


@pytest.mark.parametrize(
    ("steps", "last", "status"),
    [
        ("test\t0\t3\ncheck:lint\t0\t9\n", "3 passed, 0 failed, 0 skipped", 0),
        ("test\t0\t3\ncheck:lint\t1\t9\n", "2 passed, 1 failed, 0 skipped", 1),
        ("test\t2\t3\n", "2 passed, 1 failed, 0 skipped", 1),  # did not even build
    ],
)
def test_steps_count_where_no_test_speaks(
    tmp_path: Path, steps: str, last: str, status: int
) -> None:
    (tmp_path / "c.xml").write_text(MESON)
    (tmp_path / "steps.tsv").write_text(steps)
    code, text = total(tmp_path, "--steps", str(tmp_path / "steps.tsv"))
    assert (code, text.splitlines()[-1]) == (status, last)

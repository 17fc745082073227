"""Fragments become a section of the changelog."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "changelog.py"


def changelog(root: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(TOOL), "--root", str(root), *args]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def make_tree(root: Path) -> None:
    (root / "changes").mkdir()
    (root / "changes" / "README.md").write_text("how to\n")
    (root / "changes" / "12.bugfix.md").write_text("Fixed reports that\nlost lines.\n")
    (root / "changes" / "7.feature.md").write_text("Added a report.\n")
    (root / "CHANGELOG.md").write_text("# Changes\n\nIntro.\n\n## 0.1 (2026-01-01)\n\n- Old.\n")


def test_a_release_moves_the_fragments_above_the_older_ones(tmp_path: Path) -> None:
    make_tree(tmp_path)
    assert changelog(tmp_path, "0.2").returncode == 0
    lines = (tmp_path / "CHANGELOG.md").read_text().splitlines()
    titles = [line for line in lines if line.startswith(("## ", "### ", "- "))]
    assert titles[0].startswith("## 0.2 (")
    assert titles[1:] == [
        "### New",
        "- Added a report.",
        "### Fixed",
        "- Fixed reports that lost lines.",
        "## 0.1 (2026-01-01)",
        "- Old.",
    ]
    assert [path.name for path in (tmp_path / "changes").iterdir()] == ["README.md"]


def test_a_misnamed_fragment_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    make_tree(tmp_path)
    before = (tmp_path / "CHANGELOG.md").read_text()
    (tmp_path / "changes" / "9.improvement.md").write_text("Improved things.\n")
    done = changelog(tmp_path, "0.2")
    assert done.returncode == 1
    assert "9.improvement.md: name it SUBJECT.KIND.md" in done.stderr
    assert (tmp_path / "CHANGELOG.md").read_text() == before


def test_releasing_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "changes").mkdir()
    done = changelog(tmp_path, "0.2")
    assert (done.returncode, "nothing to release" in done.stderr) == (1, True)

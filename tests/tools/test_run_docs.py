"""The runner of the documents' examples notices when they no longer hold."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "run_docs.py"


def run_docs(tmp_path: Path, text: str) -> "subprocess.CompletedProcess[str]":
    document = tmp_path / "page.md"
    document.write_text(text, encoding="utf-8")
    command = [sys.executable, str(TOOL), str(document)]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize(
    ("block", "examples"),
    [
        ("$ echo one\none\n$ echo two\ntwo", 2),
        ("$ echo took 12.5 ms\ntook ... ms", 1),
        ("$ seq 5\n1\n...\n5", 1),
        ("$ seq 2\n...\n1\n2\n...", 1),  # "..." may stand for nothing
        ("$ mkdir sub\n$ cd sub\n$ basename $PWD\nsub", 3),
        ("$ ls missing\n...No such file or directory\n[exit 2]", 1),
        ("$ echo no newline | tr -d '\\n'\nno newline", 1),
        ("$ cat <<E\n> a\n> E\na", 1),
        ("$ sleep 1000 &", 1),
        ("$ true", 1),
    ],
)
def test_a_true_example_passes(tmp_path: Path, block: str, examples: int) -> None:
    done = run_docs(tmp_path, f"Text.\n\n```console\n{block}\n```\n")
    assert done.stderr == ""
    assert f"{examples} examples, 0 wrong" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("$ echo one\ntwo", "--- it printed\none"),
        ("$ echo one\none\nmore", "--- it printed\none"),
        ("$ seq 3\n1\n2", "--- it printed\n1\n2\n3"),
        ("$ true\noutput", "the document says\noutput"),
        ("$ false", "exit status 1, not 0"),
        ("$ true\n[exit 1]", "exit status 0, not 1"),
        ("$ echo a.c\nabc", "--- it printed\na.c"),  # a point is a point
    ],
)
def test_a_wrong_example_is_shown_with_its_place(
    tmp_path: Path, block: str, complaint: str
) -> None:
    done = run_docs(tmp_path, f"```console\n{block}\n```\n")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "page.md:2: $ " in done.stderr


def test_named_blocks_are_files_and_norun_is_only_shown(tmp_path: Path) -> None:
    text = """
```python app.py
print("from the file")
```
```console norun
$ false
```
- in a list:
  ```console
  $ python app.py
  from the file
  ```
"""
    done = run_docs(tmp_path, text)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 examples, 0 wrong" in done.stdout

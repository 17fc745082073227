"""The check of the arrows finds what it is for."""

import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"


def check(tmp_path: Path, files: Dict[str, str]) -> "subprocess.CompletedProcess[str]":
    for name, text in files.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, str(TOOL), "--root", str(tmp_path)]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_a_tree_that_keeps_the_arrows_passes(tmp_path: Path) -> None:
    done = check(
        tmp_path,
        {
            "base/err.h": "#include <stddef.h>\n",
            "core/book.h": '#include "base/err.h"\n',
            "core/snapshot.h": '#include "base/err.h"\n',
            "report/table.c": '#include "core/snapshot.h"\n#include "base/err.h"\n',
            "py/module.c": '#include <Python.h>\n#include "core/book.h"\n',
            "cli/names.def.in": "",
            "cli/main.c": '#include "names.def"\n#include "core/book.h"\n',
        },
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"base/a.c": '#include "core/b.h"\n', "core/b.h": ""}, "base may not include"),
        ({"report/a.c": '#include "core/book.h"\n', "core/book.h": ""}, "report may not include"),
        ({"cli/a.c": '# include "py/b.h"\n', "py/b.h": ""}, "src/cli/a.c:1: cli may not include"),
        ({"core/a.c": "\n#include <Python.h>\n"}, "src/core/a.c:2: <Python.h> is for src/py only"),
        ({"core/a.c": '#include "book.h"\n', "core/book.h": ""}, "no such file below src/"),
        ({"gui/a.c": '#include "base/b.h"\n', "base/b.h": ""}, "not in the table"),
        (
            {"core/a.h": '#include "core/b.h"\n', "core/b.h": '#include "core/a.h"\n'},
            "cycle of files: core/a.h -> core/b.h -> core/a.h",
        ),
        (
            {
                "base/a.h": '#include "core/b.h"\n',
                "core/b.h": '#include "base/c.h"\n',
                "base/c.h": "",
            },
            "cycle of folders: base -> core -> base",
        ),
    ],
)
def test_a_fault_is_named(tmp_path: Path, files: Dict[str, str], complaint: str) -> None:
    done = check(tmp_path, files)
    assert done.returncode == 1
    assert complaint in done.stderr

"""`memline imports`: what each import keeps, as a ledger that adds up."""

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

KIB = 1024


@pytest.fixture
def imports(run: Any, python: str) -> Callable[..., Dict[str, Any]]:
    """imports("-m", "a"): {module: its row}, after the sums are checked; "" is the root."""

    def go(*words: str, **kw: Any) -> Dict[str, Any]:
        run([python, "-m", "memline", "imports", "--json", "-o", "l.json", *words], **kw)
        return checked(json.loads((go.folder / "l.json").read_text()))  # type: ignore[attr-defined]

    return go


def checked(told: Dict[str, Any]) -> Dict[str, Any]:
    rows: List[Dict[str, Any]] = told["imports"]
    assert told["mode"] == "exact" and told["version"] == 1
    assert [row["order"] for row in rows] == list(range(len(rows)))
    assert sum(row["own_bytes"] for row in rows) == rows[0]["cumulative_bytes"]
    for row in rows:
        below = [r for r in rows if r["parent"] == row["order"]]
        assert row["cumulative_bytes"] == row["own_bytes"] + sum(
            r["cumulative_bytes"] for r in below
        )
        assert row["peak_bytes"] >= max([row["cumulative_bytes"], 0] + [0])
        assert all(r["depth"] == row["depth"] + 1 for r in below)
        assert row["parent"] is None or row["parent"] < row["order"]
    return {("" if row["order"] == 0 else row["module"]): row for row in rows}


@pytest.fixture(autouse=True)
def _here(imports: Any, tmp_path: Path) -> None:
    imports.folder = tmp_path


@pytest.mark.figures
def test_k31_own_and_cumulative(imports: Any, script: Any) -> None:
    script("import b\n\nBIG = bytearray(10_000_000)\n", "a.py")
    script("gone = bytearray(50_000_000)\ndel gone\nBIG = bytearray(5_000_000)\n", "b.py")
    for _ in range(2):  # without compiled files, then with them
        rows = imports("-m", "a")
        assert abs(rows["a"]["cumulative_bytes"] - 15_000_114) <= 64 * KIB
        assert abs(rows["a"]["own_bytes"] - 10_000_057) <= 64 * KIB
        assert abs(rows["b"]["own_bytes"] - 5_000_057) <= 64 * KIB
        assert rows["b"]["cumulative_bytes"] == rows["b"]["own_bytes"]
        assert abs(rows["b"]["peak_bytes"] - 50_000_057) <= 64 * KIB
        assert rows["a"]["peak_bytes"] >= rows["b"]["peak_bytes"]
        assert (rows["b"]["file"].endswith("/a.py"), rows["b"]["line"]) == (True, 1)
        assert (rows["a"]["file"], rows["a"]["line"]) == ("", 0)


@pytest.mark.figures
def test_the_ledgers_own_memory_is_taken_out(imports: Any, script: Any) -> None:
    for i in range(300):
        script("", f"many/m{i}.py")
    script(
        "import " + ", ".join(f"many.m{i}" for i in range(300)) + "\nKEPT = bytearray(300_000)\n",
        "top.py",
    )
    imports("-m", "top")  # compiled now
    rows = imports("-m", "top")
    assert len([name for name in rows if name.startswith("many.m")]) == 300
    assert abs(rows["top"]["own_bytes"] - 300_000) < 64 * KIB


def test_a_script_runs_as_under_python(run: Any, python: str, script: Any, tmp_path: Path) -> None:
    script("VALUE = 3\n", "other.py")
    script(
        "import sys\nfrom other import VALUE\nprint(sys.argv, __name__, VALUE, sys.path[0])\n"
        "print(__file__, sys.modules['__main__'].VALUE)\nsys.exit(7)\n"
    )
    words = [python, "-m", "memline", "imports", "app.py", "--x", "y"]
    done = run(words, status=7)
    assert done.stdout.splitlines() == [
        f"['app.py', '--x', 'y'] __main__ 3 {tmp_path}",
        f"{tmp_path / 'app.py' if sys.version_info >= (3, 9) else 'app.py'} 3",
    ]
    assert "other" in done.stderr and "app.py:2" in done.stderr


@pytest.mark.parametrize("code", ["import nowhere", "import broken", "from other import nothing"])
def test_tracebacks_are_those_of_python(run: Any, python: str, script: Any, code: str) -> None:
    script("1 / 0\n", "broken.py")
    script("", "other.py")
    script(code + "\n")
    plain = run([python, "app.py"], status=1).stderr
    with_us = run([python, "-m", "memline", "imports", "-o", "-", "app.py"], status=1).stderr
    assert with_us.replace(str(Path.cwd()), "") == plain.replace(str(Path.cwd()), "")


def test_every_way_to_import(imports: Any, script: Any) -> None:
    for name in ("one", "two", "three", "four", "five", "pack/__init__", "pack/sub"):
        script(f"KEPT = bytearray({100_000})\n", f"{name}.py")
    script(
        "import importlib, threading\n"
        "import pack.sub\n"
        "def late():\n    import one\n"
        "late(); late()\n"
        "importlib.import_module('two')\n"
        "__import__('three')\n"
        "t = threading.Thread(target=lambda: importlib.import_module('four')); t.start(); t.join()\n"
        "try:\n    import nowhere\nexcept ImportError:\n    pass\n"
        "exec('import five')\n"
    )
    rows = imports("app.py")
    for name in ("one", "two", "three", "four", "five", "pack", "pack.sub"):
        assert rows[name]["own_bytes"] >= 100_000, name
        assert not rows[name]["failed"]
    assert rows["one"]["line"] == 4 and rows["two"]["line"] == 6 and rows["three"]["line"] == 7
    assert rows["pack.sub"]["line"] == 2 and rows["pack"]["parent"] == rows["pack.sub"]["order"]
    assert rows["nowhere"]["failed"] and rows["four"]["depth"] == 1


def test_tables(run: Any, python: str, script: Any) -> None:
    script("import b\nX = bytearray(2 << 20)\n", "a.py")
    script("X = bytearray(1 << 20)\n", "b.py")
    script("import a\nimport c\n")
    script("", "c.py")

    def table(*options: str) -> List[List[str]]:
        words = [python, "-m", "memline", "imports", "-o", "-", *options, "app.py"]
        lines = run(words).stdout.splitlines()
        assert lines[0].startswith("app.py: 3.0 MiB of heap kept, ") and lines[1] == ""
        assert lines[2].split() == ["Own", "Cumulative", "Peak", "Import", "Statement"]
        return [line.split() for line in lines[3:]]

    tree = table("--min", "1MB")
    assert tree[1] == ["2.0", "MiB", "3.0", "MiB", "3.0", "MiB", "a", "app.py:1"]
    assert tree[2] == ["1.0", "MiB", "1.0", "MiB", "1.0", "MiB", "b", "a.py:1"]
    assert tree[3:][0] == [] and tree[4][1:4] == ["smaller", "not", "shown,"]
    assert any(row[-2:] == ["c", "app.py:2"] for row in table("--min", "0"))
    assert [row[6] for row in table("--by", "own", "--min", "1MiB")[:2]] == ["a", "b"]
    statements = [row[-1] for row in table("--by", "statement", "--min=1MB")[:2]]
    assert statements == ["app.py:1", "a.py:1"]


def test_wrong_usage(run: Any, python: str) -> None:
    for words, says in (
        ([], "a program or module is missing"),
        (["-m"], "'-m' needs a module"),
        (["--by"], "option '--by' needs a value"),
        (
            ["--by", "size", "-m", "json"],
            "takes tree, own, cumulative, peak or statement, not 'size'",
        ),
        (["--min", "much", "-m", "json"], "takes a size such as 64KiB, not 'much'"),
        (["--what", "-m", "json"], "unknown option '--what'"),
    ):
        done = run([python, "-m", "memline", "imports", *words], status=2)
        assert says in done.stderr and "  try: " in done.stderr
    assert (
        "cannot open script 'x.py': no such file"
        in run([python, "-m", "memline", "imports", "x.py"], status=1).stderr
    )
    assert "SyntaxError" in run([python, "-m", "memline", "imports", "-c", "1 +"], status=1).stderr
    assert "usage: memline imports" in run([python, "-m", "memline", "imports", "--help"]).stdout


def test_nothing_is_imported_for_the_measuring(run: Any, python: str) -> None:
    code = "import sys; print(sorted(m for m in sys.modules if m.partition('.')[0] not in BUILTIN))"
    plain = run([python, "-c", f"BUILTIN = (); {code}"]).stdout
    ours = run([python, "-m", "memline", "imports", "-c", f"BUILTIN = ('memline',); {code}"]).stdout
    assert set(eval(ours)) == set(eval(plain)), sys.version

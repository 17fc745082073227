"""Scripts run in a folder of their own, with books of their own."""

import json
from pathlib import Path
from typing import Any, Callable, Dict

import pytest


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """script(text, name="app.py"): the file, written."""

    def write(text: str, name: str = "app.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def profiled(run: Any, python: str, tmp_path: Path) -> Callable[..., Any]:
    """profiled("app.py", "arg", options=["--json"]): `memline run` on it; .figures is its JSON."""

    def go(*program: str, options: Any = (), env: Any = None, **kw: Any) -> Any:
        book = tmp_path / "run.book"
        words = ["-m", "memline", "run", "-o", str(book), "--json", *options, *program]
        done = run([python, *words], env={"MEMLINE_CONFIG": "", **(env or {})}, **kw)
        done.figures = figures(done.stderr)
        return done

    return go


def figures(text: str) -> Dict[str, Dict[int, Dict[str, int]]]:
    """{function name: {line: row}} of the JSON report in the text; what comes before it is skipped."""
    if "{" not in text:
        return {}
    report = json.loads(text[text.index("{\n") if "{\n" in text else text.index("{") :])
    return {
        function["name"]: {row["line"]: row for row in function["lines"]}
        for function in report["functions"]
    }

"""Programs and libraries that nobody here wrote, on the Python under test.

They live in .venvs/real-3.X (made once, kept). memline itself is not installed there: a folder with a
link to the package under test comes first on PYTHONPATH, so that no copy of it grows old.
"""

import json
import os
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence
from urllib.request import urlopen

import environments  # type: ignore[import-not-found]  # loaded by conftest.py
import pytest

REQUIREMENTS = [
    "aiohttp>=3.8,<4",
    "azure-functions>=1.17,<3",
    "docutils>=0.18,<1",
    "flask>=2.2,<4",
    "numpy>=1.24",
    "requests>=2.30,<3",
]
LINKED = ("memline", "memory_profiler.py", "mprof.py")

# Counts line events of files whose path has one of the given texts in it, without memline: the
# standard library's trace. Usage: oracle.py OUT TEXTS -m MODULE ARGS... or oracle.py OUT TEXTS SCRIPT ARGS...
ORACLE = """
import json, os, runpy, sys, trace
out, texts, program = sys.argv[1], sys.argv[2].split("|"), sys.argv[3:]
counter = trace.Trace(count=1, trace=0)
as_module = program[0] == "-m"
sys.argv = program[1:] if as_module else program
sys.path[0] = "" if as_module else os.path.dirname(os.path.abspath(program[0]))
status = 0
try:
    if as_module:
        counter.runfunc(runpy.run_module, program[1], run_name="__main__", alter_sys=True)
    else:
        counter.runfunc(runpy.run_path, program[0], run_name="__main__")
except SystemExit as end:
    status = end.code
finally:
    hits = {}
    for (file, line), count in counter.results().counts.items():
        if any(text in file for text in texts):
            hits.setdefault(os.path.abspath(file), {})[line] = count
    with open(out, "w") as f:
        json.dump(hits, f)
sys.exit(status)
"""


class Real:
    """The environment, and what is run in it."""

    def __init__(self, folder: Path, run: Any) -> None:
        self.folder = folder
        self.run_command = run
        self.book = folder / "real.book"
        self.python = environments.environment("real", REQUIREMENTS)
        path = folder / "under-test"
        path.mkdir()
        for name in LINKED:
            place = Path(sysconfig.get_path("platlib")) / name
            assert place.exists(), f"{place}: run `make build`"
            (path / name).symlink_to(place)
        self.env = {"PYTHONPATH": str(path), "MEMLINE_BOOKS": str(folder / "books")}

    def python_run(self, *words: Any, **options: Any) -> Any:
        """Run Python as anybody would."""
        options.setdefault("env", self.env)
        return self.run_command([self.python, *words], **options)

    def memline_run(self, *words: Any, **options: Any) -> Any:
        """The same under `memline run`, without a report on stderr; .report is the one of its book."""
        done = self.python_run(*self.run_words(), *words, **options)
        done.report = self.report()
        return done

    def run_words(self) -> List[str]:
        return ["-m", "memline", "run", "--no-report", "-o", str(self.book)]

    def report(self) -> Any:
        """The JSON report of the last book."""
        text = "from memline import _core; import sys; print(_core.report(sys.argv[1:], format='json'))"
        return json.loads(self.python_run("-c", text, self.book).stdout)

    def oracle(
        self, texts: Sequence[str], *words: Any, **options: Any
    ) -> Dict[str, Dict[int, int]]:
        """{file: {line: times it ran}} as the standard library's `trace` counts them."""
        script, out = self.folder / "oracle.py", self.folder / "oracle.json"
        script.write_text(ORACLE)
        self.python_run(script, out, "|".join(texts), *words, **options)
        found = json.loads(out.read_text())
        return {file: {int(k): v for k, v in lines.items()} for file, lines in found.items()}

    def popen(self, *words: Any, **options: Any) -> "subprocess.Popen[str]":
        """Start Python and do not wait."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MEMLINE"))}
        return subprocess.Popen(
            [self.python, *map(str, words)],
            cwd=str(self.folder),
            env={**kept, **self.env, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )


def hits(report: Mapping[str, Any]) -> Dict[str, Dict[int, int]]:
    """{file: {line: hits}} of a JSON report, summed over functions."""
    result: Dict[str, Dict[int, int]] = {}
    for function in report["functions"]:
        lines = result.setdefault(function["file"], {})
        for row in function["lines"]:
            lines[row["line"]] = lines.get(row["line"], 0) + row["hits"]
    return result


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(url: str, process: "subprocess.Popen[str]", seconds: float = 40) -> None:
    """Until somebody listens there; asks for a page that the server does not count."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        try:
            urlopen(url, timeout=5).close()
            return
        except OSError as error:
            if getattr(error, "code", None) is not None:  # it answers
                return
            time.sleep(0.1)
    pytest.fail(f"nobody answers at {url}")

"""Tests of the drop-in: the module memory_profiler as its users see it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import memline
import pytest

HERE = Path(__file__).parent
COMPAT = HERE.parents[2] / "compat"
SCRIPTS = HERE.parent / "isolated" / "dropin"
# Where memline is: installed, or a folder of its own on PYTHONPATH.
PACKAGE_PARENT = Path(memline.__file__).parent.parent

for folder in (COMPAT, HERE):  # ours and, beside this file, dropin_blocks
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture
def mp():
    """The module."""
    import memory_profiler

    return memory_profiler


class Reports(io.StringIO):
    """A stream for reports, which reads them back."""

    def rows(self):
        """{line contents, stripped: row} of all reports; the last one of equal lines."""
        from memline.dropin._reader import read_report

        return {
            row.contents.strip(): row
            for report in read_report(self.getvalue())
            for row in report.rows
        }

    def count(self):
        return self.getvalue().count("Filename: ")


@pytest.fixture
def out():
    return Reports()


def environment(**more):
    """An environment in which `python -m memory_profiler` is ours."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MEMLINE_", "COVERAGE_"))}
    parts = [str(COMPAT), str(PACKAGE_PARENT), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(part for part in parts if part)
    env["PYTHONIOENCODING"] = "utf-8"
    env.update(more)
    return env


class Python:
    """This interpreter, in an environment where memory_profiler is ours."""

    def __call__(self, *arguments, timeout=60, **options):
        """Run to the end; the output is text."""
        return subprocess.run(timeout=timeout, **self._options(arguments, options))

    def start(self, *arguments, **options):
        """Start; returns the Popen."""
        return subprocess.Popen(**self._options(arguments, options))

    def _options(self, arguments, options):
        env = environment(**options.pop("env", {}))
        return dict(
            args=[sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            encoding="utf-8",
            env=env,
            **options,
        )


@pytest.fixture
def python():
    return Python()


@pytest.fixture
def profiled(python):
    """Runs `python -m memory_profiler` with arguments."""

    def run(*arguments, **options):
        return python("-m", "memory_profiler", *arguments, **options)

    return run


@pytest.fixture
def scripts():
    """The folder of scripts that fork, raise, exit or allocate."""
    return SCRIPTS


@pytest.fixture
def script(tmp_path):
    """Writes a script and returns its path."""

    def write(text, name="program.py"):
        import textwrap

        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write

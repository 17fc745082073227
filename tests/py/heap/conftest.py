"""Runs a program in an interpreter of its own and tells its figures."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from heap_claims import Ran  # noqa: E402

DRIVER = """
import json, sys
import memline
path, options = sys.argv[1], json.loads(sys.argv[2])
text = open(path).read()
space = {"__name__": "program", "__file__": path}
code = compile(text, path, "exec")
functions = options.pop("functions", ["run"])
memline.start(include=[path], functions=functions, **options)
exec(code, space)
result = space["run"]()
s = memline.snapshot()
wanted = json.loads(sys.stdin.read())
space["sys"] = sys
values = {key: eval(text, space) for key, text in wanted.items()}
del result
print(json.dumps({"rows": [r._asdict() for r in s.rows], "heap": s.heap, "values": values,
                  "scopes": [x._asdict() for x in s.scopes],
                  "scope_rows": [x._asdict() for x in s.scope_rows]}))
sys.stdout.flush()
"""


@pytest.fixture
def shared_library(tmp_path):
    """Compiles a text of C into a shared library; its path."""

    def compiled(name, text, *options):
        source = tmp_path / f"{name}.c"
        source.write_text(text)
        library = tmp_path / f"{name}.so"
        cc = (sysconfig.get_config_var("CC") or "cc").split()[0]
        command = [cc, "-shared", "-fPIC", *options, "-o", str(library), str(source)]
        made = subprocess.run(command, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        return library

    return compiled


@pytest.fixture
def run_program(tmp_path):
    """Runs a program's file in an interpreter of its own; Ran."""

    def run(path, wanted=None, env=None, python=(sys.executable,), **options) -> Ran:
        driver = tmp_path / "driver.py"
        driver.write_text(DRIVER)
        done = subprocess.run(
            [*python, str(driver), str(path), json.dumps(options)],
            input=json.dumps(wanted or {}),
            capture_output=True,
            text=True,
            timeout=300,
            cwd=str(tmp_path),
            env={
                **os.environ,
                "MEMLINE_BOOKS": str(tmp_path / "books"),
                "MEMLINE_CONFIG": "",
                "PYTHONHASHSEED": "0",
                **(env or {}),
            },
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return Ran(**json.loads(done.stdout.splitlines()[-1]))

    return run

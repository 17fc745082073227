"""The logic of the report page (web/tests), under Node's own test runner."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
TESTS = sorted(p.name for p in (WEB / "tests").glob("*.test.ts"))


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


@pytest.mark.parametrize("name", TESTS)
def test_logic(name: str, tmp_path: Path) -> None:
    node, esbuild = tool("node"), tool("esbuild")
    bundle = tmp_path / "test.mjs"
    words = ["--bundle", "--platform=node", "--format=esm", "--sourcemap=inline"]
    subprocess.run(
        [esbuild, str(WEB / "tests" / name), *words, "--log-level=warning", f"--outfile={bundle}"],
        check=True,
        timeout=60,
    )
    env = {**os.environ, "FORCE_COLOR": "0", "NODE_OPTIONS": "--enable-source-maps"}
    done = subprocess.run(
        [node, "--test", str(bundle)], env=env, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (passed,) = re.findall(r"^(?:#|\u2139) pass (\d+)$", done.stdout, re.MULTILINE)
    assert int(passed) > 0

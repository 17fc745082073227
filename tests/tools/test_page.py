"""tools/page.py: the page as a C array, with and without the bundler."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def page(output: Path, web: Path, *esbuild: str, status: int = 0) -> str:
    command = [sys.executable, str(ROOT / "tools" / "page.py"), str(output), str(web), *esbuild]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stderr


def content(path: Path) -> str:
    text = path.read_text(encoding="ascii")
    numbers = re.search(r"bytes\[\] = \{\n(.*?)\};", text, re.DOTALL)
    length = re.search(r"\)bytes, (\d+)\}", text)
    assert numbers is not None and length is not None
    data = bytes(int(n) for n in numbers.group(1).replace("\n", "").split(","))
    assert len(data) == int(length.group(1)) + 1
    return data[:-1].decode()


def test_without_the_bundler_there_is_no_page(tmp_path):
    page(tmp_path / "page.c", ROOT / "web")
    assert content(tmp_path / "page.c") == ""


def test_a_page_has_its_style_and_script_and_one_mark(tmp_path):
    esbuild = shutil.which("esbuild")
    if esbuild is None:
        pytest.skip("no esbuild here")
    page(tmp_path / "page.c", ROOT / "web", esbuild)
    text = content(tmp_path / "page.c")
    assert text.count("{{") == text.count("{{report}}") == 1
    assert "prefers-color-scheme" in text and "JSON.parse" in text
    assert "{{report}}</script>\n<script>" in text


def test_what_does_not_bundle_is_told(tmp_path):
    esbuild = shutil.which("esbuild")
    if esbuild is None:
        pytest.skip("no esbuild here")
    web = tmp_path / "web"
    shutil.copytree(ROOT / "web", web)
    (web / "src" / "main.ts").write_text("import { x } from './nowhere.js'; x();")
    assert "nowhere.js" in page(tmp_path / "page.c", web, esbuild, status=1)
    (web / "src" / "main.ts").write_text("console.log('</scr' + 'ipt>');")
    assert "would end its own element" not in page(tmp_path / "page.c", web, esbuild)
    (web / "page.html").write_text("<p>{{style}}{{script}}</p>")
    assert "needs one mark 'report'" in page(tmp_path / "page.c", web, esbuild, status=1)

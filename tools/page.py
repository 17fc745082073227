#!/usr/bin/env python3
"""Bundle the page of web/ into one file, as the bytes of a C array.

page.py OUTPUT.c WEB [ESBUILD]

ESBUILD is the bundler; without it the array is empty, and the program says that it has no page. The
page has three marks: {{style}} and {{script}} are filled here, {{report}} by src/report/html.c.
"""

import subprocess
import sys
from pathlib import Path


def bundled(esbuild: str, entry: Path, *options: str) -> str:
    command = [esbuild, str(entry), "--bundle", "--minify", "--charset=utf8", *options]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if done.returncode != 0:
        sys.exit(f"page: cannot bundle '{entry}'\n{done.stderr}")
    return done.stdout.strip()


def page(esbuild: str, web: Path) -> str:
    script = bundled(esbuild, web / "src" / "main.ts", "--format=iife", "--target=es2020")
    style = bundled(esbuild, web / "style.css")
    text = (web / "page.html").read_text(encoding="utf-8")
    for name, content in (("style", style), ("script", script)):
        if "</script" in content or "</style" in content:
            sys.exit(f"page: the {name} would end its own element")
        before, mark, after = text.partition("{{" + name + "}}")
        if not mark:
            sys.exit(f"page: no mark '{name}' in page.html")
        text = before + content + after
    if text.count("{{report}}") != 1:
        sys.exit("page: page.html needs one mark 'report'")
    return text


def c_array(data: bytes) -> str:
    rows = [",".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24)]
    return (
        '#include "cli/page.h"\n\n'
        "/* Made by tools/page.py out of web/. */\n"
        "static const unsigned char bytes[] = {\n" + ",\n".join([*rows, "0"]) + "};\n\n"
        f"const struct ml_str ml_page = {{(const char *)bytes, {len(data)}}};\n"
    )


def main() -> None:
    output, web = Path(sys.argv[1]), Path(sys.argv[2])
    text = page(sys.argv[3], web) if len(sys.argv) > 3 else ""
    output.write_text(c_array(text.encode("utf-8")), encoding="ascii")


if __name__ == "__main__":
    main()

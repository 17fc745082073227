#!/usr/bin/env python3
"""Run the examples in the documents, so that what a reader types is what we tested.

    run_docs.py FILE-or-FOLDER...

A document's examples run in one new folder, in order, with this interpreter's bin/ first on PATH:

    ```python app.py          a block with a file name writes that file
    ```console                a line "$ command" runs in bash; the lines below it are its output
    ```console norun          is only shown

In expected output, "..." stands for anything within a line, and a line "..." for any lines. A last
line "[exit 3]" means that status; otherwise a command must succeed. `cd` lasts; what is started by
"&" is ended with the document. MEMLINE_SOURCE names the root of the source tree.
Exit status: 0 if every example did what it says.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(\s*)(```+)\s*(.*?)\s*$")
TIMEOUT = 120  # seconds for one command


class Block(NamedTuple):
    line: int  # of the first line inside, from 1
    info: List[str]  # words behind the fence
    text: List[str]


class Example(NamedTuple):
    line: int  # of "$ command", from 1
    command: str
    expected: List[str]
    status: int


def blocks(text: str) -> Iterator[Block]:
    fence: Optional[str] = None
    indent = ""
    info: List[str] = []
    inside: List[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if fence is None and match:
            indent, fence, info = match.group(1), match.group(2), match.group(3).split()
            inside, start = [], number + 1
        elif fence is not None and line.strip() == fence:
            yield Block(start, info, inside)
            fence = None
        elif fence is not None:
            inside.append(line[len(indent) :] if line.startswith(indent) else line)


def examples(block: Block) -> Iterator[Example]:
    command: Optional[str] = None
    start = 0
    output: List[str] = []

    def finished() -> Iterator[Example]:
        if command is not None:
            status = re.fullmatch(r"\[exit (\d+)\]", output[-1]) if output else None
            expected = output[:-1] if status else output
            yield Example(start, command, expected, int(status.group(1)) if status else 0)

    for number, line in enumerate(block.text, block.line):
        if line.startswith("$ "):
            yield from finished()
            command, start, output = line[2:], number, []
        elif command is not None and not output and line.startswith("> "):
            command += "\n" + line[2:]  # a command over several lines
        else:
            output.append(line)
    yield from finished()


def pattern_of(expected: List[str]) -> "re.Pattern[str]":
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            pieces = (re.escape(piece) for piece in line.rstrip().split("..."))
            parts.append(".*?".join(pieces) + r"[ \t]*\n")
    return re.compile("".join(parts))


def run(example: Example, folder: Path, env: Dict[str, str], groups: List[int]) -> Optional[str]:
    """What is wrong with it, or None."""
    where = folder / ".cwd"
    script = f'cd "$(cat {where})"\n{example.command}\nstatus=$?; pwd >{where}; exit $status\n'
    with open(folder / ".output", "w+", encoding="utf-8", errors="replace") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
        groups.append(shell.pid)
        try:
            status = shell.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"still running after {TIMEOUT} s"
        output.seek(0)
        printed = output.read()
    if status != example.status:
        return f"exit status {status}, not {example.status}; it printed:\n{printed}"
    if printed and not printed.endswith("\n"):
        printed += "\n"
    if not pattern_of(example.expected).fullmatch(printed):
        wanted = "".join(line + "\n" for line in example.expected)
        return f"--- the document says\n{wanted}--- it printed\n{printed}"
    return None


def run_document(path: Path) -> List[str]:
    faults = []
    groups: List[int] = []
    ran = 0
    with tempfile.TemporaryDirectory(prefix="memline-docs-") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        (folder / ".cwd").write_text(f"{work}\n")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MEMLINE", "PYTHON"))}
        env.update(
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}",
            LC_ALL="C.UTF-8",
            MEMLINE_SOURCE=str(ROOT),
            NO_COLOR="1",
        )
        for block in blocks(path.read_text(encoding="utf-8")):
            if len(block.info) == 2 and "." in block.info[1]:
                (work / block.info[1]).write_text("\n".join(block.text) + "\n", encoding="utf-8")
            elif block.info == ["console"]:
                for example in examples(block):
                    ran += 1
                    fault = run(example, folder, env, groups)
                    if fault:
                        faults.append(f"{path}:{example.line}: $ {example.command}\n{fault}")
        for group in groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue
    print(f"docs: {path}: {ran} examples, {len(faults)} wrong")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description="run the examples in the documents")
    parser.add_argument("paths", nargs="+", type=Path)
    args = parser.parse_args()
    faults = []
    for path in args.paths:
        for document in sorted(path.glob("*.md")) if path.is_dir() else [path]:
            faults += run_document(document)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

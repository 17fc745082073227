"""Reading .test files and running their blocks; see README.md here."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Block:
    name: str
    query: str
    ordered: bool = False
    now: str = "2026-01-31T00:00:00Z"
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[object]] = field(default_factory=list)
    error: str = ""


def split_cells(line: str) -> list[str]:
    """Cells stand between ' | ' outside of JSON strings."""
    return re.findall(r'(?:"(?:\\.|[^"\\])*"|[^|"])+', line)


def read_blocks(path: Path) -> list[Block]:
    blocks = []
    for text in path.read_text(encoding="utf-8").split("\n== ")[1:]:
        head, _, rest = text.partition("\n")
        name, *settings = re.split(r"\s+(?=now=)", head.strip())
        query, mark, answer = re.split(r"\n(--(?:sorted)?)\n", rest, maxsplit=1)
        lines = [line for line in answer.splitlines() if line.strip() and not line.startswith("#")]
        block = Block(name=name, query=query, ordered=mark == "--sorted")
        for setting in settings:
            block.now = setting[len("now=") :]
        if lines[0].startswith("!"):
            block.error = lines[0][1:]
        else:
            block.columns = [tuple(c.strip().rsplit(":", 1)) for c in lines[0].split(" | ")]
            block.rows = [[json.loads(c) for c in split_cells(line)] for line in lines[1:]]
        blocks.append(block)
    return blocks


def run_batch(program: str, queries: list[str], *options: str) -> list[dict]:
    """The answers to queries, in their order."""
    tables = [f"--table={p.stem}={p}" for p in sorted((HERE / "tables").glob("*"))]
    lines = "".join(json.dumps({"id": i, "query": q}) + "\n" for i, q in enumerate(queries))
    done = subprocess.run(
        [program, "query", "--batch", *tables, *options],
        input=lines,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a["id"] for a in answers] == list(range(len(queries)))
    return answers


def table_of(answer: dict, index: int = 0) -> tuple[list[tuple[str, str]], list[list[object]]]:
    """Columns and rows of a result, dynamics as values."""
    assert "result" in answer, answer.get("error")
    table = answer["result"]["tables"][index]
    columns = [(c["name"], c["type"]) for c in table["columns"]]
    rows = [
        [
            json.loads(v) if t == "dynamic" and isinstance(v, str) else v
            for v, (_, t) in zip(row, columns)
        ]
        for row in table["rows"]
    ]
    return columns, rows


def key(row: list[object]) -> str:
    return json.dumps(row, sort_keys=True)

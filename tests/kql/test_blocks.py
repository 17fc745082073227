"""Every block of every .test file, with the optimizer and without."""

from __future__ import annotations

import blocks
import pytest

FILES = sorted(blocks.HERE.glob("*.test"))
CASES = [pytest.param(b, id=f"{p.stem}/{b.name}") for p in FILES for b in blocks.read_blocks(p)]


@pytest.mark.parametrize("options", [(), ("--no-optimizer",)], ids=["optimized", "plain"])
@pytest.mark.parametrize("block", CASES)
def test_block(program, block, options):
    answer = blocks.run_batch(program, [block.query], f"--now={block.now}", *options)[0]
    if block.error:
        code, place, text = block.error.split(" ", 2)
        assert "error" in answer, answer
        e = answer["error"]
        assert (e["code"], f"{e['line']}:{e['column']}") == (code, place), e
        message, _, hint = text.partition(" -> ")
        assert message in e["message"]
        assert hint in e.get("hint", "")
        return
    columns, rows = blocks.table_of(answer)
    assert columns == block.columns
    if block.ordered:
        assert rows == block.rows
    else:
        assert sorted(rows, key=blocks.key) == sorted(block.rows, key=blocks.key)


def test_there_are_blocks():
    assert len(CASES) > 50

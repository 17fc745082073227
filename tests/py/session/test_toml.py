"""The small TOML reader for Pythons without tomllib."""

import pytest
from memline._toml import table

GOOD = [
    ("[tool.memline]\na = 1", {"a": 1}),
    ('[tool.memline] # c\na = \'x\' # y\nb = "q\\"\\n\\u00e9"\n', {"a": "x", "b": 'q"\né'}),
    ("[other]\na = 1979-05-27\n[tool.memline]\nb = true\n[tool.other]\nc = 1", {"b": True}),
    ("[ tool . memline ]\nsort-key = false", {"sort-key": False}),
    (
        "[tool.memline]\na = [\n  'x', # one\n  \"y\",\n]\nb = [1, -2]\nc = []",
        {"a": ["x", "y"], "b": [1, -2], "c": []},
    ),
    ('[tool.memline]\n"a" = 1_000\n', {"a": 1000}),
    ("", {}),
]
BAD = [
    ("[tool.memline]\na", "line 2: expected 'key = value'"),
    ("[tool.memline]\na = 1.5", "line 2"),
    ("[tool.memline]\na = [[1]]", "line 2: only strings"),
    ("[tool.memline]\na = 1 2", "line 2: more than one value"),
    ("[tool.memline]\n\na =", "line 3: a value is missing"),
    ('[tool.memline]\na = "\\q"', "unknown escape"),
    ("[tool.memline]\na = [1", "a string, number"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_reads(text, expected):
    assert table(text, "tool.memline") == expected


@pytest.mark.parametrize(("text", "message"), BAD)
def test_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        table(text, "tool.memline")

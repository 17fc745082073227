"""Measuring functions directly: what the engine tests share.

Memory is taken in blocks of their own mapping (engine_blocks.py): malloc may hand out what is resident
already.
"""

import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import pytest
from memline import _core, _wrap

MIB = 1 << 20

sys.path.insert(0, str(Path(__file__).parent))  # engine_blocks


class Figures(NamedTuple):
    hits: int
    net: int
    max: int
    peak: int


class Measured:
    """A function under a recorder of its own; lines are told relative to the `def` line (+1, +2...)."""

    def __init__(self, function: Any, **options: Any) -> None:
        self.recorder = _core.Recorder(**options)
        self.first = function.__code__.co_firstlineno
        self.call = _wrap.instrument(function, self.recorder)
        self.code = function.__code__

    def rows(self) -> Dict[int, Figures]:
        return {r[0] - self.first: Figures(*r[1:]) for r in self.recorder.rows(self.code)}

    def hits(self) -> Dict[int, int]:
        return {line: figures.hits for line, figures in self.rows().items()}

    def net_mib(self) -> Dict[int, float]:
        return {line: figures.net / MIB for line, figures in self.rows().items()}


class Calls(List[Any]):
    """What a per-call recorder has told: [[(code, entry, rows)]]."""


@pytest.fixture
def measured() -> Callable[..., Measured]:
    return Measured


@pytest.fixture
def per_call() -> Callable[..., Any]:
    """per_call(function, **options) -> (function, list of calls)."""

    def wrap(function: Any, **options: Any) -> Any:
        calls = Calls()
        recorder = _core.Recorder(per_call=True, on_call=calls.append, **options)
        return _wrap.instrument(function, recorder), calls

    return wrap


@pytest.fixture(autouse=True)
def no_tracer_left() -> Any:
    before = sys.gettrace()
    yield
    assert sys.gettrace() is before

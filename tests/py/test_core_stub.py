"""_core.pyi names what is there, and nothing else."""

import ast
from pathlib import Path

import memline
from memline import _core


def stub_names(body):
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names


def test_the_stub_is_true():
    text = Path(memline.__file__).with_name("_core.pyi").read_text(encoding="utf-8")
    tree = ast.parse(text)
    real = {name for name in dir(_core) if not name.startswith("_")}
    assert stub_names(tree.body) == real
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {
                name for name in vars(getattr(_core, node.name)) if not name.startswith("__")
            }
            told = {name for name in stub_names(node.body) if not name.startswith("__")}
            assert methods == told, node.name


def test_every_function_has_a_docstring():
    for name in dir(_core):
        if callable(getattr(_core, name)) and not name.startswith("_"):
            assert getattr(_core, name).__doc__, name

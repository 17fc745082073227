"""Environments for the apps, and what they are told."""

from pathlib import Path
from typing import Any, List

import environments
import pytest


def python_for(requirements: List[str], suffix: str = "") -> str:
    """The interpreter of an environment with these packages; apps that want the same share it."""
    names = [r for r in sorted(requirements) if r != "azure-functions"]
    if names:
        environments.need_everyday()
    name = "-".join(["func", *(n.split("<")[0].split("=")[0] for n in names)])
    return str(environments.environment(name + suffix, sorted(requirements)))


def python_with_memline(requirements: List[str]) -> str:
    """The same with the package memline of this interpreter, as pip install would put it there."""
    memline = pytest.importorskip("memline", reason="the package memline is not installed here")
    python = python_for(requirements, "-memline")
    folder = next((Path(python).parent.parent / "lib").glob("python3*")) / "site-packages"
    link = folder / "memline"
    package = Path(memline.__file__).parent
    if not link.exists() or link.resolve() != package.resolve():
        if link.is_symlink():
            link.unlink()
        link.symlink_to(package)
    return python


def connection_string(server: Any) -> str:
    return (
        "InstrumentationKey=3b8f2f6e-8a3c-4f9e-9d57-1c2d3e4f5a6b;"
        f"IngestionEndpoint={server.url};LiveEndpoint={server.url}"
    )

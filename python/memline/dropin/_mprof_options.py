"""What mprof's commands share: their option parsers and the way they fail."""

from __future__ import annotations

import os
import sys

from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import NoReturn


def program_name() -> str:
    """As the user called us; our module's file has a name that nobody typed."""
    name = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "mprof"
    return "mprof" if name in ("__main__.py", "mprof.py", "-c") else name


def parser(command: str, arguments: str) -> ArgumentParser:
    """A parser for `mprof command [options] arguments` with --version."""
    from argparse import ArgumentParser, RawTextHelpFormatter

    p = ArgumentParser(
        prog=f"{program_name()} {command}",
        usage=f"{program_name()} {command} [options] {arguments}".rstrip(),
        formatter_class=RawTextHelpFormatter,
    )
    p.add_argument("--version", action="version", version=__version__)
    return p


def fail(text: str, status: int = 1) -> NoReturn:
    """Say what failed and exit."""
    sys.stdout.flush()
    sys.stderr.write(f"{program_name()}: {text}\n")
    sys.exit(status)

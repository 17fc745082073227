"""What mprof's commands share: their option parsers and the way they fail."""

from __future__ import annotations

import os
import sys

from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import List, NoReturn, Tuple


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


def split_program(p: ArgumentParser, words: List[str]) -> Tuple[List[str], List[str]]:
    """Our own options, and the program with its: what follows the first word that is no option."""
    takes_value = {
        name: action.nargs is None and action.const is None
        for action in p._actions
        for name in action.option_strings
    }
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        at += 1
        if word == "--":
            return words[: at - 1], words[at:]
        name = word.partition("=")[0]
        if name.startswith("--") and name not in takes_value:  # argparse takes beginnings, too
            full = [option for option in takes_value if option.startswith(name)]
            name = full[0] if len(full) == 1 else name
        if not name.startswith("--"):  # -CT 0.5: the last of the letters may want a value
            letters = [letter for letter in name[1:] if takes_value.get("-" + letter)]
            name = "-" + letters[0] if letters and name.endswith(letters[0]) else name
        if takes_value.get(name) and "=" not in word:
            at += 1
    return words[:at], words[at:]


def fail(text: str, status: int = 1) -> NoReturn:
    """Say what failed and exit."""
    sys.stdout.flush()
    sys.stderr.write(f"{program_name()}: {text}\n")
    sys.exit(status)

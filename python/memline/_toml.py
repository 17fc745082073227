"""One table of a TOML file, for Pythons without tomllib (3.8-3.10).

Strings, booleans, integers and arrays of them: what [tool.memline] holds. Anything else in that table
is an error, never a guess; other tables are passed over.
"""

import re
from typing import Any, Dict, List, Tuple

_HEADER = re.compile(r"\s*\[\[?([^\]]*)\]\]?\s*(#.*)?$")
_KEY = re.compile(r"[ \t]*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')[ \t]*=")
_TOKEN = re.compile(
    r"""[ \t\r]*(?:(?P<string>"(?:[^"\\]|\\.)*"|'[^']*')|(?P<word>true|false|[+-]?[0-9][0-9_]*)"""
    r"""|(?P<mark>[\[\],])|(?P<comment>\#[^\n]*)|(?P<end>\n))"""
)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def table(text: str, name: str) -> Dict[str, Any]:
    """The keys of table `name`. ValueError with the line number for what is not understood."""
    result: Dict[str, Any] = {}
    inside = False
    at = 0
    text += "\n"
    while at < len(text):
        end = text.index("\n", at)
        line = text[at:end]
        header = _HEADER.match(line)
        if header:
            inside = header.group(1).replace(" ", "") == name
        elif inside and line.strip() and not line.lstrip().startswith("#"):
            key = _KEY.match(text, at)
            if not key:
                raise ValueError(f"line {_line(text, at)}: expected 'key = value'")
            result[key.group(1).strip("\"'")], at = _value(text, key.end())
            continue
        at = end + 1
    return result


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _token(text: str, at: int, in_array: bool) -> Tuple[str, str, int]:
    while True:
        found = _TOKEN.match(text, at)
        if not found:
            raise ValueError(
                f"line {_line(text, at)}: a string, number, boolean or array is expected"
            )
        kind = str(found.lastgroup)
        if kind == "comment" or (kind == "end" and in_array):
            at = found.end()
            continue
        return kind, found.group(kind), found.end()


def _value(text: str, at: int) -> Tuple[Any, int]:
    line = _line(text, at)
    kind, word, at = _token(text, at, False)
    if kind == "string":
        return _string(word), _end(text, at)
    if kind == "word":
        return _word(word), _end(text, at)
    if word == "[":
        return _array(text, at)
    raise ValueError(f"line {line}: a value is missing")


def _array(text: str, at: int) -> Tuple[List[Any], int]:
    items: List[Any] = []
    kind, word, at = _token(text, at, True)
    while word != "]" or kind != "mark":
        if kind not in ("string", "word"):
            raise ValueError(
                f"line {_line(text, at)}: only strings, numbers and booleans in arrays"
            )
        items.append(_string(word) if kind == "string" else _word(word))
        kind, word, at = _token(text, at, True)
        if kind == "mark" and word == ",":
            kind, word, at = _token(text, at, True)
    return items, _end(text, at)


def _end(text: str, at: int) -> int:
    kind, _, at = _token(text, at, False)
    if kind != "end":
        raise ValueError(f"line {_line(text, at)}: more than one value")
    return at


def _word(word: str) -> Any:
    return word == "true" if word in ("true", "false") else int(word.replace("_", ""))


def _string(word: str) -> str:
    if word[0] == "'":
        return word[1:-1]
    parts = re.split(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", word[1:-1])
    for i in range(1, len(parts), 2):
        escape = parts[i]
        if len(escape) > 1:
            parts[i] = chr(int(escape[1:], 16))
        elif escape in _ESCAPES:
            parts[i] = _ESCAPES[escape]
        else:
            raise ValueError(f"unknown escape '\\{escape}' in a string")
    return "".join(parts)

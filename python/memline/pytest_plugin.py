"""The pytest plugin: what each test takes of memory, limits, leaks, a baseline per line (docs/pytest.md).

Here are the options only; nothing else is imported unless one of them is given.
"""

from typing import Any

MARKER = (
    "memline(limit=None, leak=None): with --memline, fail if the test's memory rises by more than limit"
    ' ("10 MB"), or if more than leak is still held after it ("100 KB")'
)


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("memline", "memory of each test")
    group.addoption(
        "--memline", action="store_true", help="tell what each test takes of memory; enforce limits"
    )
    group.addoption(
        "--memline-top", type=int, default=10, metavar="N", help="tests in the report (default 10)"
    )
    group.addoption(
        "--memline-baseline",
        metavar="FILE",
        help="fail if a line takes more memory in a test than it did when FILE was written",
    )
    group.addoption(
        "--memline-update", action="store_true", help="write what is measured now to the baseline"
    )
    group.addoption(
        "--memline-tolerance",
        default="10%+64KiB",
        metavar="T",
        help="growth that is none, of a line's figure: a share, and a size (default 10%%+64KiB)",
    )


def pytest_configure(config: Any) -> None:
    config.addinivalue_line("markers", MARKER)
    option = config.option
    if not (option.memline or option.memline_baseline or option.memline_update):
        return
    from . import _pytest

    _pytest.configure(config)

"""`python -m memory_profiler [options] program [arguments]`."""

from __future__ import annotations

import atexit
import json
import os
import sys
from functools import partial

from . import _children, _line, _run, _table, _timestamper
from ._meter import METERS
from ._usage import choose_backend
from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, List, Optional

USAGE = "python -m memory_profiler [options] script_file.py|module [arguments]"


def _parser() -> Any:
    from argparse import REMAINDER, ArgumentParser

    parser = ArgumentParser(usage=USAGE)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--pdb-mmem",
        dest="max_mem",
        metavar="MAXMEM",
        type=float,
        help="step into the debugger when memory reaches MAXMEM (MiB) on a profiled line",
    )
    parser.add_argument(
        "--precision",
        metavar="N",
        type=int,
        default=3,
        help="digits after the point in memory figures (default: 3)",
    )
    parser.add_argument("-o", dest="out_filename", metavar="FILE", help="append the report to FILE")
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="also write the report to FILE as JSON, with each line's peak where known",
    )
    parser.add_argument(
        "--timestamp",
        action="store_true",
        help="print start and end of the decorated functions' calls instead of line reports",
    )
    parser.add_argument(
        "--include-children",
        action="store_true",
        help="include the memory of child processes",
    )
    parser.add_argument(
        "--backend",
        choices=list(METERS),
        default="psutil",
        help="what is read: resident set (psutil, posix), its proportional or unique part"
        " (psutil_pss, psutil_uss), Python blocks (tracemalloc)",
    )
    parser.add_argument(
        "program", nargs=REMAINDER, help="script or module to run, and its arguments"
    )
    return parser


def main() -> None:
    """Run the program named in sys.argv; the report comes when the interpreter ends."""
    options = _parser().parse_args()
    if not options.program:
        print("A program to run must be provided. Use -h for help")
        sys.exit(1)
    if not 0 <= options.precision <= 100:
        _fail(f"precision {options.precision} is not between 0 and 100", status=2)
    target, arguments = options.program[0], options.program[1:]
    backend = choose_backend(options.backend)
    run: Callable[..., None] = _run.run_module
    if target.endswith(".py"):
        target, run = _run._find_script(target), _run.run_script
    elif os.path.isfile(target):
        run = _run.run_script
    else:
        _check_module(target)
    profiler = _profiler(options, backend)
    _run_to_the_end(lambda: run(target, profiler, backend, arguments))


def _check_module(module: str) -> None:
    try:
        _run.find_module(module)
    except (ImportError, ValueError) as error:
        _fail(f"cannot run '{module}': {error}\n  try: the name of a script file or of a module")


def _fail(text: str, status: int = 1) -> None:
    sys.stderr.write(f"memory_profiler: {text}\n")
    sys.exit(status)


def _writable(name: Optional[str], mode: str) -> Optional[str]:
    """The absolute path of a file that can be written: told now, not after hours of work."""
    if name is None:
        return None
    path = os.path.abspath(name)
    try:
        open(path, mode).close()
    except OSError as error:
        _fail(f"cannot write '{name}': {(error.strerror or str(error)).lower()}")
    return path


def _profiler(options: Any, backend: str) -> Any:
    """The profiler of this run, and its report at exit: after the script's threads have ended."""
    out = _writable(options.out_filename, "a")
    json_out = _writable(options.json, "w")
    profiler: Any
    report: Callable[[], None]
    if options.timestamp:
        profiler = _timestamper.TimeStamper(backend, options.include_children)
        if out is not None:
            profiler.record_to(out)
        _timestamper.activate(profiler)
        report = profiler.show_results
    else:
        profiler = _line.LineProfiler(
            max_mem=options.max_mem, backend=backend, include_children=options.include_children
        )
        report = partial(_report, profiler, options.precision, out, json_out)
    atexit.register(_at_exit, report, out)
    _children.pass_on(
        {
            "timestamp": options.timestamp,
            "backend": backend,
            "include_children": options.include_children,
            "file": out,
        }
    )
    return profiler


def _report(profiler: Any, precision: int, out: Optional[str], json_out: Optional[str]) -> None:
    # Files first: they do not depend on whether somebody still reads our output.
    if json_out is not None:
        with open(json_out, "w", encoding="utf-8") as file:
            json.dump([report.to_dict() for report in profiler.reports()], file, indent=1)
            file.write("\n")
    if out is None:
        _table.show_results(profiler, precision=precision)
    else:
        with open(out, "a", encoding="utf-8") as file:
            _table.show_results(profiler, stream=file, precision=precision)


def _at_exit(report: Callable[[], None], out: Optional[str]) -> None:
    """Write the report. What fails is told in our words, also where it fails only at the flush."""
    try:
        report()
        if out is None and sys.stdout is not None:
            sys.stdout.flush()  # else the interpreter does, where nobody can catch the error
    except BrokenPipeError:
        _silence_stdout()
    except OSError as error:
        sys.stderr.write(f"memory_profiler: cannot write the report: {error}\n")


def _silence_stdout() -> None:
    # Whoever read our output has gone; the interpreter would complain when it flushes.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run_to_the_end(run: Callable[[], None]) -> None:
    """Run; an exception is shown as the script's own, without our frames above it."""
    try:
        run()
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        trace = _below_us(error)
        error.__traceback__ = trace
        sys.excepthook(type(error), error, trace)
        sys.exit(1)


def _below_us(error: BaseException) -> Optional[TracebackType]:
    ours: List[str] = [__file__, _run.__file__]
    first = trace = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename in ours:
        first = first.tb_next
    return first if first is not None or isinstance(error, SyntaxError) else trace

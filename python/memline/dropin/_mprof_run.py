"""mprof run and attach: record the memory of a program while it runs.

The samples are written by a C thread (core/watch), at most a second after they were taken, and at
each peak that the kernel saw between two of them. FUNC records are appended to the same file by the
program itself: MEMLINE_MPROF_FILE names it, see README.md beside this file.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time

from ._meter import METERS
from ._mprof_options import fail, parser, program_name, split_program
from ._mprof_record import Recording, Terminated, catch_sigterm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, NamedTuple, Optional, Tuple

    class _Process(NamedTuple):
        pid: int
        name: str

else:
    from collections import namedtuple

    _Process = namedtuple("_Process", "pid name")

FILE_VARIABLE = "MEMLINE_MPROF_FILE"
_ATTACH_TIMEOUT = 3600  # seconds
_PROGRAM_HELP = """\
Option 1: "<EXECUTABLE> <ARG1> <ARG2>..." - profile executable
Option 2: "<PYTHON_SCRIPT> <ARG1> <ARG2>..." - profile python script
Option 3: (--python flag present) "<PYTHON_EXECUTABLE> <PYTHON_SCRIPT> <ARG1> <ARG2>..."
          - profile python script with specified interpreter
Option 4: (--python flag present) "<PYTHON_MODULE> <ARG1> <ARG2>..." - profile python module"""


def get_cmd_line(args):
    # type: (List[str]) -> str
    """The words joined by blanks; those that hold a blank or tab in single quotes."""
    return " ".join(f"'{arg}'" if " " in arg or "\t" in arg else arg for arg in args)


def find_first_process(name):
    # type: (str) -> Optional[_Process]
    """The process with the lowest number whose name contains name (not this one), or None."""
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        found = _name_of(pid)
        if pid != os.getpid() and found is not None and name in found:
            return _Process(pid, found)
    return None


def _name_of(pid: int) -> Optional[str]:
    """A process's name; the kernel cuts it after 15 bytes, the command line may tell the rest."""
    try:
        with open(f"/proc/{pid}/comm", errors="replace") as file:
            name = file.read().rstrip("\n")
        if len(name) >= 15:
            with open(f"/proc/{pid}/cmdline", errors="replace") as file:
                longer = os.path.basename(file.read().split("\0")[0])
            name = longer if longer.startswith(name) else name
        return name
    except OSError:
        return None


# -- options ---------------------------------------------------------------------------------------


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _run_parser() -> Any:
    p = parser("run", "program")
    p.add_argument(
        "--python",
        action="store_true",
        help="The program is a Python script after its interpreter, or a Python module:\n"
        "also record when decorated functions run.",
    )
    p.add_argument(
        "--nopython",
        action="store_true",
        help="Run a Python script as any other program.",
    )
    p.add_argument(
        "--interval",
        "-T",
        type=_seconds,
        default=0.1,
        help="Sampling period (in seconds), defaults to 0.1",
    )
    p.add_argument(
        "--include-children",
        "-C",
        action="store_true",
        help="Monitors forked processes as well (sum up all process memory)",
    )
    p.add_argument(
        "--multiprocess",
        "-M",
        action="store_true",
        help="Monitors forked processes creating individual plots for each child",
    )
    p.add_argument("--exit-code", "-E", action="store_true", help="Propagate the exit code")
    p.add_argument(
        "--attach",
        "-a",
        action="store_true",
        help="Attach to an existing process, by process name or by pid",
    )
    p.add_argument(
        "--timeout",
        "-t",
        type=int,
        help="Stop sampling after so many seconds; the program runs on.\n"
        "Default: never; one hour with --attach",
    )
    p.add_argument(
        "--output",
        "-o",
        metavar="FILENAME",
        dest="filename",
        help="File to append results to, defaults to 'mprofile_<YYYYMMDDhhmmss>.dat' in the\n"
        "current directory (with the date-time of the program start).",
    )
    p.add_argument(
        "--backend",
        choices=list(METERS),
        default="psutil",
        help="What is sampled: resident set (psutil, posix), its proportional or unique part\n"
        "(psutil_pss, psutil_uss). tracemalloc: functions by their Python blocks, samples as psutil",
    )
    p.add_argument("program", nargs="*", help=_PROGRAM_HELP)
    return p


def attach_action():
    # type: () -> None
    """mprof attach: run --attach"""
    sys.argv.insert(1, "--attach")
    run_action()


def run_action():
    # type: () -> None
    """mprof run"""
    p = _run_parser()
    ours, program = split_program(p, sys.argv[1:])
    args = p.parse_args(ours)
    if not program:
        print("A program to run must be provided. Use -h for help")
        sys.exit(1)
    if args.include_children and args.backend == "posix":
        fail("the posix backend does not support --include-children\n  try: --backend psutil", 2)
    if args.backend == "tracemalloc":
        sys.stderr.write(
            f"{program_name()}: tracemalloc cannot be sampled from outside; samples are RSS\n"
        )
    print(f"{program_name()}: Sampling memory every {args.interval}s")
    if args.attach:
        _attach(args, program)
    else:
        _run(args, program)


# -- run -------------------------------------------------------------------------------------------


def _run(args: Any, program: List[str]) -> None:
    print("running new process")
    python = _python_of(args, program)
    if python is not None:
        print("running as a Python program...")
    sys.stdout.flush()
    shown = [sys.executable, *program] if python and python[0] != program[0] else program
    recording = Recording(args, get_cmd_line(shown))
    path = os.path.abspath(recording.name)
    words = program if python is None else _profiled(args, path, *python)
    process: Any = None
    catch_sigterm()
    try:
        with recording:
            try:
                process = subprocess.Popen(words, env={**os.environ, FILE_VARIABLE: path})
            except OSError as error:
                recording.discard()
                fail(f"cannot run '{words[0]}': {(error.strerror or str(error)).lower()}")
            _watch(recording, process.pid)
            status = _wait(args, recording, process)
    except Terminated:
        if process is not None:
            process.terminate()
            _wait_or_kill(process)
        sys.exit(128 + signal.SIGTERM)
    if args.exit_code and status is not None:
        _exit_as(status)


def _watch(recording: Recording, pid: int) -> None:
    try:
        recording.watch(pid)
    except ProcessLookupError:
        pass  # it has ended already
    except OSError as error:
        sys.stderr.write(f"{program_name()}: {error.strerror}\n")


def _wait(args: Any, recording: Recording, process: Any) -> Optional[int]:
    """The program's exit status; None if it runs on without us."""
    status: int
    try:
        try:
            status = process.wait(args.timeout)
        except subprocess.TimeoutExpired:
            recording.stop()
            if not args.exit_code:
                return None
            status = process.wait()
    except KeyboardInterrupt:  # the terminal sent it to the program as well: let it end
        _wait_or_kill(process)
        sys.exit(128 + signal.SIGINT)
    return status


def _wait_or_kill(process: Any) -> None:
    """Let a program end that was told to; whoever tells us again wants it now."""
    try:
        process.wait()
    except (KeyboardInterrupt, Terminated):
        process.kill()
        process.wait()


def _exit_as(status: int) -> None:
    if status != 0:
        logging.basicConfig()
        logging.getLogger("mprof").error("Program resulted with a non-zero exit code: %s", status)
    sys.exit(status if status >= 0 else 128 - status)  # signals as a shell tells them


def _profiled(
    args: Any, path: str, interpreter: str, options: List[str], target: List[str]
) -> List[str]:
    """The command that runs a Python target and puts FUNC records into file path."""
    profiler = ["-m", "memory_profiler", "--timestamp", "-o", path, "--backend", args.backend]
    if args.include_children:
        profiler.append("--include-children")
    return [interpreter, *options, *profiler, *target]


def _python_of(args: Any, program: List[str]) -> Optional[Tuple[str, List[str], List[str]]]:
    """Interpreter, its options, and the script or module with its arguments; None: not Python."""
    first = os.path.basename(program[0])
    if args.nopython or not (args.python or first.endswith(".py")):
        return None
    if first.endswith(".py") or not first.startswith("python"):
        return sys.executable, [], program
    options, target = _interpreter_options(program[1:])
    if not target or not _has_memory_profiler(program[0]):
        return None
    return program[0], options, target


def _interpreter_options(words: List[str]) -> Tuple[List[str], List[str]]:
    """Options of the interpreter, and the script or module (after -m) with its arguments."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "-m":
            return words[:at], words[at + 1 :]
        if words[at] == "-c" or words[at] == "-":
            return words, []  # no file: nothing to put marks on
        at += 2 if words[at] in ("-W", "-X") else 1
    return words[:at], words[at:]


def _has_memory_profiler(interpreter: str) -> bool:
    """Whether that interpreter can run `-m memory_profiler`; if not, says so."""
    if interpreter == sys.executable:
        return True
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('memory_profiler') is None)"
    try:
        missing = subprocess.call([interpreter, "-c", code], stderr=subprocess.DEVNULL) != 0
    except OSError:
        return True  # the run itself will tell what is wrong
    if missing:
        sys.stderr.write(
            f"{program_name()}: no module memory_profiler for '{interpreter}': no function marks\n"
        )
    return not missing


# -- attach ----------------------------------------------------------------------------------------


def _attach(args: Any, program: List[str]) -> None:
    hint = program[0]
    print(f"attaching to existing process, using hint: {hint}")
    sys.stdout.flush()
    pid = int(hint) if hint.isdigit() and os.path.isdir(f"/proc/{hint}") else None
    if pid is None:
        found = find_first_process(hint)
        if found is None:
            fail(
                "When attaching, program should be process name or pid.\n"
                f"Failed to find a process using hint: {hint}"
            )
        pid = found.pid
    catch_sigterm()
    with Recording(args, get_cmd_line(_command_line_of(pid) or program)) as recording:
        try:
            watcher = recording.watch(pid)
        except OSError as error:
            recording.discard()
            fail(str(error.strerror))
        try:
            _wait_for_end(watcher, args.timeout if args.timeout is not None else _ATTACH_TIMEOUT)
        except (KeyboardInterrupt, Terminated):
            pass  # the usual ways to end it
    if args.exit_code:
        print(f"{program_name()}: the exit status of a process not started by us is unknown")


def _wait_for_end(watcher: Any, timeout: float) -> None:
    until = time.monotonic() + timeout
    while not watcher.ended and time.monotonic() < until:
        time.sleep(min(0.1, max(0.0, until - time.monotonic())))


def _command_line_of(pid: int) -> List[str]:
    try:
        with open(f"/proc/{pid}/cmdline", errors="surrogateescape") as file:
            return file.read().rstrip("\0").split("\0")
    except OSError:
        return []

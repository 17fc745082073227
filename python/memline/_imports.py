"""``memline imports``: what each import statement keeps of memory, as -X importtime tells of time.

This file imports nothing that the program might: a module that is loaded already costs its importer nothing.
"""

import os
import sys

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple

USAGE = """\
usage: memline imports [options] SCRIPT [ARGUMENTS...]
       memline imports [options] -m MODULE
       memline imports [options] -c CODE [ARGUMENTS...]

Tells what each import keeps of memory: its own, and with what it imports in turn; and the highest rise
while it ran. SCRIPT and CODE run as under Python; MODULE is imported, not run. The report comes at exit, on
standard error.

options
  --by KEY             tree (default): in order, indented; own, cumulative or peak: one list, largest first;
                       statement: one row for each line that imports
  --min SIZE           leave out imports with less, themselves and all below: 64KiB, 1MiB; default: a two
                       hundredth of the whole
  --json               all of them in exact bytes
  -o, --output FILE    write the report there; - is standard output
  -h, --help           this text
"""


class Import:
    """One module that was loaded. Bytes of the heap: what the loading thread allocated and did not free."""

    __slots__ = (
        "module", "file", "line", "order", "depth", "parent", "children", "own", "cumulative",
        "peak", "failed", "start", "high",
    )  # fmt: skip

    def __init__(self, module: str, file: str, line: int, parent: "Optional[Import]") -> None:
        self.module = module
        self.file = file  # of the statement
        self.line = line
        self.order = 0
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.parent = parent
        self.children: List[Import] = []
        self.own = self.cumulative = self.peak = 0
        self.failed = False
        self.start = self.high = 0


class Ledger:
    """Writes down the imports of a process between start() and stop(). One root: the program itself.

    What the ledger allocates for itself is measured and taken out: `spent` is its part of the heap so far.
    """

    def __init__(self, root: str) -> None:
        self.root = Import(root, "", 0, None)
        self.mode = "exact"
        self._local = sys.modules["_thread"]._local()
        self._bootstrap = sys.modules["_frozen_importlib"]
        self._original: Any = None
        self._count = 0
        self._spent = 0

    # --- on and off ---------------------------------------------------------------------------------

    def start(self) -> None:
        self._read = self._heap
        try:
            self._path = os.path.join(
                os.environ.get("TMPDIR") or "/tmp", f"memline-imports-{os.getpid()}.book"
            )
            _core.book_open(self._path, True)
            _core.heap_start("heap", native=True)
        except (OSError, RuntimeError):
            self.mode = "rss"
            self._read = self._resident
        self._local.stack = [self.root]
        warm_up()
        self._original = self._bootstrap._find_and_load
        self._bootstrap._find_and_load = hooked(self)  # type: ignore[attr-defined]
        self.root.start = self.root.high = self._read()[0]

    def stop(self) -> None:
        reading = self._read()
        self._bootstrap._find_and_load = self._original  # type: ignore[attr-defined]
        self._finish(self.root, reading)
        _core.book_close(discard=True)

    def _heap(self) -> "Tuple[int, int]":
        net, high = _core.heap_mark()
        return net - self._spent, high - self._spent

    def _resident(self) -> "Tuple[int, int]":
        now = _core.memory()
        return now, now

    # --- an import begins and ends --------------------------------------------------------------------

    def begin(self, module: str) -> "Import":
        now, high = self._read()
        stack = self._stack()
        parent = stack[-1]
        parent.high = max(parent.high, high)
        file, line = statement()
        entry = Import(module, file, line, parent)
        self._count += 1
        entry.order = self._count
        parent.children.append(entry)
        stack.append(entry)
        self._spent += self._read()[0] - now  # all since `now` was the ledger's
        entry.start = entry.high = now
        return entry

    def end(self, entry: "Import", failed: bool) -> None:
        reading = self._read()
        entry.failed = failed
        stack = self._stack()
        while len(stack) > 1 and stack.pop() is not entry:
            pass
        self._finish(entry, reading)
        parent = stack[-1]
        parent.high = max(parent.high, entry.high)
        self._spent += self._read()[0] - reading[0]

    def _stack(self) -> "List[Import]":
        """Of this thread. An import in a thread that the program started hangs below the root."""
        try:
            stack: List[Import] = self._local.stack
        except AttributeError:
            stack = self._local.stack = [self.root]
        return stack

    def _finish(self, entry: "Import", reading: "Tuple[int, int]") -> None:
        now, high = reading
        entry.high = max(entry.high, high)
        entry.cumulative = now - entry.start
        entry.peak = max(0, entry.high - entry.start)
        entry.own = entry.cumulative - sum(child.cumulative for child in entry.children)


def warm_up() -> None:
    """What the interpreter makes at its first use and keeps is not the first module's doing: what it saw in the
    folders of sys.path, the compiler's tables."""
    compile("0", "", "exec")
    external = sys.modules["_frozen_importlib_external"]
    external.PathFinder.find_spec("memline looks for what is nowhere")


def hooked(ledger: "Ledger") -> "Callable[..., Any]":
    """_find_and_load with the ledger around it: every module that is loaded passes there, by whatever way.

    Its frame says that it is importlib's own, so that tracebacks stay as they are.
    """

    def _find_and_load(name: str, import_: "Any") -> "Any":
        entry = ledger.begin(name)
        failed = True
        try:
            module = ledger._original(name, import_)
            failed = False
            return module
        finally:
            ledger.end(entry, failed)

    code: CodeType = _find_and_load.__code__
    _find_and_load.__code__ = code.replace(co_filename="<frozen importlib._bootstrap>")
    return _find_and_load


def statement() -> "Tuple[str, int]":
    """File and line of the code that imports: the nearest frame that is not importlib's. ("", 0): ours, so
    that it is the command line that asks."""
    frame = sys._getframe(3)  # behind this, begin and the hook
    while frame is not None:
        file = frame.f_code.co_filename
        if file == __file__:
            break
        if not file.startswith("<frozen importlib") and not file.endswith("/importlib/__init__.py"):
            return file, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return "", 0


# --- the command ------------------------------------------------------------------------------------------


def fail(message: str, hint: str = "memline imports --help", status: int = 2) -> "NoReturn":
    sys.stderr.write(f"memline: {message}\n  try: {hint}\n")
    sys.exit(status)


def parse(args: "List[str]") -> "Tuple[Dict[str, Any], str, List[str]]":
    """(options, "-m", "-c" or "", program and its arguments). Exits on wrong usage."""
    given: Dict[str, Any] = {"by": "tree", "min": None, "json": False, "output": None}
    names = {"--by": "by", "--min": "min", "-o": "output", "--output": "output"}
    at = 0
    while at < len(args):
        word, equals, value = args[at].partition("=")
        if word in ("-h", "--help"):
            sys.stdout.write(USAGE)
            sys.exit(0)
        if word in ("-m", "-c"):
            if at + 1 == len(args):
                fail(f"'{word}' needs {'a module' if word == '-m' else 'code'}")
            return given, word, args[at + 1 :]
        if word == "--json":
            given["json"] = True
        elif word in names:
            if not equals:
                at += 1
                if at == len(args):
                    fail(f"option '{word}' needs a value")
                value = args[at]
            given[names[word]] = value
        elif word == "--":
            at += 1
            break
        elif word.startswith("-") and word != "-":
            fail(f"unknown option '{word}'")
        else:
            break
        at += 1
    if at >= len(args):
        fail(
            "a program or module is missing", "memline imports -m MODULE, or memline imports --help"
        )
    return given, "", args[at:]


def check(given: "Dict[str, Any]") -> None:
    if given["by"] not in ("tree", "own", "cumulative", "peak", "statement"):
        fail(f"option '--by' takes tree, own, cumulative, peak or statement, not '{given['by']}'")
    if given["min"] is not None:
        size = _core.size_parse(given["min"])
        if size is None:
            fail(f"option '--min' takes a size such as 64KiB, not '{given['min']}'")
        given["min"] = size


def program(mode: str, words: "List[str]") -> "Callable[[], None]":
    """What is to be measured, ready to go: sys.argv, sys.path and __main__ are as under Python."""
    if mode == "-m":
        sys.argv = words
        sys.path.insert(0, os.getcwd())

        def load() -> None:
            __import__(words[0])

        return load
    name = words[0]
    if mode == "-c":
        sys.argv = ["-c", *words[1:]]
        sys.path.insert(0, "")
        text: Any = name + "\n"
        file = "<string>"
    else:
        sys.argv = words
        try:
            with open(name, "rb") as f:
                text = f.read()
        except OSError as error:
            fail(f"cannot open script '{name}': {(error.strerror or '').lower()}", "its path", 1)
        file = name if sys.version_info < (3, 9) else os.path.abspath(name)
        sys.path.insert(0, os.path.dirname(os.path.realpath(name)))
    main_module = type(sys)("__main__")
    space = main_module.__dict__
    space["__builtins__"] = sys.modules["builtins"]
    if mode == "":
        space["__file__"] = file
    sys.modules["__main__"] = main_module
    code = compile(text, file, "exec", dont_inherit=True)
    return lambda: exec(code, space)


def main() -> None:
    """Run the program of the command line; ends as it ends, with the report."""
    given, mode, words = parse(sys.argv[1:])
    check(given)
    if sys.path and sys.path[0] == "":
        del sys.path[0]  # what `python -c` put there
    if os.environ.get("MEMLINE", "").lower() not in ("", "off", "0", "no", "false"):
        _core.book_close(discard=True)  # one opened by MEMLINE=on
    command = " ".join([*([mode] if mode else []), *words])
    try:
        go = program(mode, words)
    except SyntaxError as error:
        sys.excepthook(type(error), error, None)
        sys.exit(1)
    ledger = Ledger(command)
    ledger.start()
    try:
        go()
    except SystemExit:
        raise
    except BaseException as error:
        show(error)
        sys.excepthook = lambda *_: None  # shown already, without our own frames
        raise
    finally:
        ledger.stop()
        from ._imports_report import write

        write(ledger, command, given)


def show(error: BaseException) -> None:
    """The traceback from the program's first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.excepthook(type(error), error, trace)

"""``memline run``: a program under the profiler, otherwise just as Python would run it."""

import os
import sys
import types
from typing import Any, Dict, List, NoReturn, Optional, Tuple

USAGE = """\
usage: memline run [options] SCRIPT [ARGUMENTS...]
       memline run [options] -m MODULE [ARGUMENTS...]
       memline run [options] -c CODE [ARGUMENTS...]

Runs the program and books every line of your own code: hits, change of resident memory, highest
resident memory. Your own code is what lies below the script's folder (with -m and -c: the current
one), without site-packages and the standard library. The report comes at exit, on standard error.

what to profile
  --include PATTERN    also files whose path matches (fnmatch); may be repeated
  --exclude PATTERN    not files whose path matches; may be repeated
  --function NAME      only functions whose name or qualified name matches; may be repeated
  --children           also Python processes that the program starts

how
  --mode MODE          heap (default): every allocation, exactly; line: hits and resident memory only;
                       sample: a few allocations that stand for all, at next to no cost
  --stacks             keep call paths, for flame graphs
  --no-native          only what Python allocates, not what its libraries allocate in C
  --inherit            threads that never run Python charge the line that started them
  --rate SIZE          sample: mean bytes between samples (default auto)
  --seed NUMBER        sample: the same chance again

the report
  -o, --output FILE    keep the book there, instead of in the folder of books
  --html FILE          write it there as a page to look at, instead
  --format NAME        table, json, csv (--json, --csv: the same), speedscope or collapsed (stacks);
                       of a book that was kept, memline report makes pprof, too
  --sort KEY           line, net, max, hits, held, peak or alloc
  --unit UNIT          auto, B, KiB, MiB or GiB
  --min SIZE           leave out lines that changed less: 4096, 64KiB, 1.5MiB
  --skip-zero          leave out lines that changed nothing
  --scopes             tell each request, task or scope, too
  --color WHEN         auto, always or never
  --no-report          only keep the book

  --gate NAME          how seldom memory is read: faults (default), time or plain (at every line)
  -h, --help           this text

Settings may stand in pyproject.toml under [tool.memline]; MEMLINE_CONFIG names another file.
"""

_TEXT = {
    "--include": "include",
    "--exclude": "exclude",
    "--function": "functions",
    "--output": "output",
    "-o": "output",
    "--format": "format",
    "--sort": "sort",
    "--unit": "unit",
    "--min": "min",
    "--color": "color",
    "--gate": "gate",
    "--mode": "mode",
    "--rate": "rate",
    "--seed": "seed",
    "--html": "html",
}
_FLAGS = {
    "--json": ("format", "json"),
    "--csv": ("format", "csv"),
    "--skip-zero": ("skip_zero", True),
    "--no-report": ("report", False),
    "--children": ("children", True),
    "--stacks": ("stacks", True),
    "--scopes": ("scopes", True),
    "--no-native": ("native", False),
    "--inherit": ("inherit", True),
}


def fail(message: str, hint: str, status: int = 2) -> NoReturn:
    """Say what failed and what to do next; exit."""
    sys.stderr.write(f"memline: {message}\n  try: {hint}\n")
    sys.exit(status)


def parse(args: List[str]) -> Tuple[Dict[str, Any], Optional[str], List[str]]:
    """(settings, "-m" or "-c" or None, program and its arguments). Exits on wrong usage."""
    given: Dict[str, Any] = {}
    at = 0
    while at < len(args):
        word = args[at]
        if word in ("-h", "--help"):
            sys.stdout.write(USAGE)
            sys.exit(0)
        if word in ("-m", "-c"):
            if at + 1 == len(args):
                fail(
                    f"'{word}' needs {'a module' if word == '-m' else 'code'}", "memline run --help"
                )
            return given, word, args[at + 1 :]
        if word == "--":
            at += 1
            break
        if not word.startswith("-") or word == "-":
            break
        at = _option(args, at, given)
    if at >= len(args):
        fail("a program to run is missing", "memline run SCRIPT, or memline run --help")
    return given, None, args[at:]


def _option(args: List[str], at: int, given: Dict[str, Any]) -> int:
    name, equals, value = args[at].partition("=")
    if name in _FLAGS and not equals:
        setting, flag = _FLAGS[name]
        given[setting] = flag
        return at + 1
    if name not in _TEXT:
        from difflib import get_close_matches

        near = get_close_matches(name, [*_TEXT, *_FLAGS], 1)
        fail(f"unknown option '{name}'", f"{near[0]}" if near else "memline run --help")
    if not equals:
        at += 1
        if at == len(args):
            fail(f"option '{name}' needs a value", "memline run --help")
        value = args[at]
    setting = _TEXT[name]
    if setting in ("include", "exclude", "functions"):
        given.setdefault(setting, []).append(value)
    elif setting == "seed":
        if not value.isdigit():
            fail(f"bad value '{value}' for '{name}'", "a whole number")
        given[setting] = int(value)
    else:
        given[setting] = value
    return at + 1


def main(args: List[str]) -> None:
    """Run the program named by the arguments; ends as the program ends."""
    given, mode, program = parse(args)
    from ._config import ConfigError, Settings, checked, project_settings

    try:
        project = project_settings(os.getcwd())
        words = checked(given, "the command line")
        for name in ("include", "exclude", "functions"):
            words[name] = [*project.get(name, []), *words.get(name, [])]
        settings = Settings(**{**project, **words})
    except ConfigError as error:
        fail(str(error), "memline run --help")
    if settings.html:  # the program may change its folder
        settings = settings._replace(html=os.path.abspath(settings.html))
    start = _Start(mode, program)
    from . import _core, _session

    _session.command = " ".join(["memline run", *args])
    _core.book_close(discard=True)  # one opened by MEMLINE=on: this run has its own

    _session.configure(settings._replace(include=[], exclude=[], functions=[]))
    if not _session.is_off():
        try:
            _session.open_book()
        except OSError as error:
            sys.stderr.write(f"memline: {error}\n")
            sys.exit(1)
        if settings.children:
            from ._auto import pass_on

            pass_on(str(_core.book_path()), start.roots, settings.mode)
        include = [*settings.include, *start.include]
        begin = lambda: _session.enable(  # noqa: E731
            roots=start.roots,
            include=include,
            exclude=settings.exclude,
            functions=settings.functions,
        )
    else:
        begin = _nothing
    start.run(begin)


def _nothing() -> None:
    pass


class _Start:
    """How a program begins: its code, its folder on sys.path, its own code's roots."""

    def __init__(self, mode: Optional[str], program: List[str]) -> None:
        self.mode = mode
        self.name = program[0]
        self.include: List[str] = []
        self.roots: List[str] = []
        sys.argv = program
        if sys.path and sys.path[0] in ("", os.getcwd()):
            del sys.path[0]  # what `python -m memline._run` put there
        if mode == "-m":
            sys.path.insert(0, os.getcwd())
            self.roots = [os.getcwd()]
            self.include = _module_files(self.name)
        elif mode == "-c":
            sys.argv = ["-c", *program[1:]]
            sys.path.insert(0, "")
            self.roots = [os.getcwd()]
            self.include = ["<string>"]
        elif self.name == "-":
            sys.path.insert(0, "")
            self.roots = [os.getcwd()]
            self.include = ["<stdin>"]
        else:
            self._script()

    def _script(self) -> None:
        if not os.path.exists(self.name):
            fail(
                f"cannot open script '{self.name}': no such file",
                "the path of an existing script",
                1,
            )
        self.is_folder = os.path.isdir(self.name) or _is_zip(self.name)
        if self.is_folder:
            sys.path.insert(0, self.name)
            self.roots = [os.path.realpath(self.name)]
            return
        folder = os.path.dirname(os.path.realpath(self.name))
        sys.path.insert(0, folder)
        import sysconfig

        installed = folder == os.path.realpath(sysconfig.get_path("scripts"))
        self.roots = [os.getcwd() if installed else folder]
        # A path given through a link is what the code objects name.
        self.roots.append(os.path.dirname(os.path.abspath(self.name)))

    def run(self, begin: Any) -> None:
        """Become __main__ and run; `begin` is called just before the program's first line."""
        module = types.ModuleType("__main__")
        space = module.__dict__
        space["__builtins__"] = sys.modules["builtins"]
        sys.modules["__main__"] = module
        try:
            self._execute(space, begin)
        except SystemExit:
            raise
        except BaseException as error:
            _show(error)
            sys.excepthook = lambda *_: None  # shown already, without our own frames
            raise

    def _execute(self, space: Dict[str, Any], begin: Any) -> None:
        if self.mode == "-m" or (self.mode is None and self.name != "-" and self.is_folder):
            import runpy

            begin()
            name = self.name if self.mode == "-m" else "__main__"
            module = getattr(runpy, "_run_module_as_main")  # noqa: B009  what `python -m` calls
            module(name, alter_argv=self.mode == "-m")
            return
        if self.mode == "-c":
            text: Any = self.name + "\n"
            file = "<string>"
        elif self.name == "-":
            text, file = sys.stdin.read(), "<stdin>"
        else:
            import io

            with io.open_code(os.path.abspath(self.name)) as f:
                text = f.read()
            file = self.name if sys.version_info < (3, 9) else os.path.abspath(self.name)
            self._describe(space, file)
        if file.startswith("<"):
            import linecache

            linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        code = compile(text, file, "exec", dont_inherit=True)
        begin()
        exec(code, space)

    def _describe(self, space: Dict[str, Any], file: str) -> None:
        from importlib.machinery import SourceFileLoader

        space.update(
            __file__=file,
            __cached__=None,
            __loader__=SourceFileLoader("__main__", file),
            __doc__=None,
        )


def _show(error: BaseException) -> None:
    """The traceback as Python prints it: from the program's first frame on."""
    trace = error.__traceback__
    own = (__file__, "<frozen runpy>", os.path.join(os.path.dirname(os.__file__), "runpy.py"))
    while trace is not None and trace.tb_frame.f_code.co_filename in own:
        trace = trace.tb_next
    error.__traceback__ = trace
    if isinstance(error, KeyboardInterrupt) or isinstance(error, Exception) or trace is not None:
        sys.excepthook(type(error), error, trace)


def _is_zip(path: str) -> bool:
    import zipfile

    return os.path.isfile(path) and not path.endswith(".py") and zipfile.is_zipfile(path)


def _module_files(name: str) -> List[str]:
    """The file of the module itself, wherever it is installed."""
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(name + ".__main__")
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None or not spec.has_location or not spec.origin:
        return []
    return ["".join("[" + c + "]" if c in "*?[" else c for c in spec.origin)]


if __name__ == "__main__":
    from memline._run import main as run_main

    run_main(sys.argv[1:])

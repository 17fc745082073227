"""%mprun, %%mprun, %memit and %%memit, for every IPython from 7 on.

IPython asks of a set of magics only what stands in MemoryProfilerMagics.__init__, so the class
needs no base from there, and IPython is imported only where it is used: by then it is running.
"""

from __future__ import annotations

import builtins

from . import _line, _table
from ._usage import memory_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Dict, List, Tuple

_HIDDEN = object()  # there was no builtins.profile


def _func_exec(stmt, ns):
    # type: (Any, Dict[str, Any]) -> None
    """Execute a statement: what %memit measures the memory of."""
    if isinstance(stmt, str):  # exec would hand on this module's __future__ imports
        stmt = compile(stmt, "<string>", "exec", dont_inherit=True)
    exec(stmt, ns)


class MemitResult:
    """What %memit measured. mem_usage: the peak of each run; sizes in MiB, times in seconds."""

    def __init__(self, mem_usage, baseline, repeat, timeout, interval, include_children):
        # type: (List[float], float, int, Any, float, bool) -> None
        self.mem_usage = mem_usage
        self.baseline = baseline
        self.repeat = repeat
        self.timeout = timeout
        self.interval = interval
        self.include_children = include_children

    def __str__(self):
        # type: () -> str
        peak = max(self.mem_usage)
        return f"peak memory: {peak:.02f} MiB, increment: {peak - self.baseline:.02f} MiB"

    def _repr_pretty_(self, p, cycle):
        # type: (Any, bool) -> None
        p.text("<MemitResult : " + str(self) + ">")


class MemoryProfilerMagics:
    """The line and cell magics mprun and memit."""

    registered = True
    _sources = 0  # statements and cells so far: they name their source

    def __init__(self, shell=None, **kwargs):
        # type: (Any, Any) -> None
        self.shell = shell
        table = {"mprun": self.mprun, "memit": self.memit}
        self.magics = {"line": dict(table), "cell": dict(table)}

    @classmethod
    def register_magics(cls, ip):
        # type: (Any) -> None
        """Add the magics to a running IPython."""
        ip.register_magics(cls)

    def mprun(self, parameter_s="", cell=None):
        # type: (str, Any) -> Any
        """Execute a statement under the line-by-line memory profiler.

        Usage, in line mode:
          %mprun -f func1 -f func2 <statement>

        Usage, in cell mode:
          %%mprun [-f func1 -f func2] [statement]
          code...

        The statement (in cell mode: with the cell below it) is run, and the memory of each line of
        the chosen functions is shown through the pager. Functions defined in the notebook are fine.

        Options:

        -f <function>: profile this function; any expression that gives one, in quotes if it
        contains blanks. May be given several times. In cell mode without -f the cell's own lines
        are profiled, in line mode those functions that are decorated with @profile meanwhile.

        -T <filename>: also save the text to a file.

        -r: return the LineProfiler. Its figures: code_map, a dict of {code object: {line number:
        (increment in MiB, memory in MiB, occurrences)}}; as data: reports().

        -c: add the memory of child processes.
        """
        options, statement = _split_options(parameter_s, "rf:T:c")
        functions = [self._function(text) for text in options.get("f", [])]
        profiler = _line.LineProfiler(include_children="c" in options)
        for function in functions:
            profiler(function)
        source = statement
        if cell is not None:
            source = self._transformed(statement + "\n" + cell if statement else cell)
        code = self._compiled(source)
        if cell is not None and not functions:
            profiler.code_map.add(code)
        message = ""
        try:
            with _BuiltinProfile(profiler):
                profiler.runctx(code, self.shell.user_global_ns, self.shell.user_ns)
        except (SystemExit, KeyboardInterrupt) as error:
            message = f"*** {type(error).__name__} exception caught in code being profiled."
        finally:
            self._show(profiler, options, message)
        return profiler if "r" in options else None

    def memit(self, line="", cell=None):
        # type: (str, Any) -> Any
        """Measure the memory of a Python statement.

        Usage, in line mode:
          %memit [-r<R>t<T>i<I>coq] statement

        Usage, in cell mode:
          %%memit [-r<R>t<T>i<I>coq] setup_code
          code...

        In cell mode the first line is executed but not measured, the cell's body is measured.

        Options:

        -r<R>: run it R times and take the best peak. Default: 1

        -t<T>: stop sampling after T seconds. Default: never

        -i<I>: sample every I seconds. Default: 0.1 (the peak is found between samples, too)

        -c: add the memory of child processes.

        -o: return an object with the details.

        -q: print nothing.

        Example:
          In [1]: %memit bytearray(50 * 2**20)
          peak memory: 112.27 MiB, increment: 50.00 MiB
        """
        import gc

        options, statement = _split_options(line, "r:t:i:coq")
        repeat = max(1, int(_number(options, "r", 1)))
        timeout = int(_number(options, "t", 0))
        interval = _number(options, "i", 0.1)
        setup, body = "pass", statement
        if cell is not None:
            setup, body = statement or "pass", cell
        # Compiled before the baseline is read: compiling takes memory of its own.
        run = compile(self._transformed(body), "<memit>", "exec", dont_inherit=True)
        gc.collect()
        _func_exec(self._transformed(setup), self.shell.user_ns)
        baseline = memory_usage()[0]
        peaks = []
        for _ in range(repeat):
            peak = memory_usage(
                (_func_exec, (run, self.shell.user_ns)),
                timeout=timeout if timeout > 0 else None,
                interval=interval,
                max_usage=True,
                max_iterations=1,
                include_children="c" in options,
            )
            peaks.append(peak)
        result = MemitResult(
            peaks, baseline, repeat, timeout if timeout > 0 else None, interval, "c" in options
        )
        if "q" not in options:
            if peaks:
                print(result)
            else:
                print(
                    "ERROR: could not read memory usage, try with a lower interval or more"
                    " iterations"
                )
        return result if "o" in options else None

    # -- helpers -----------------------------------------------------------------------------------

    def _function(self, text: str) -> Any:
        try:
            value = eval(text, self.shell.user_global_ns, self.shell.user_ns)
        except Exception as error:
            raise _usage_error(
                f"Could not find function {text!r}.\n{type(error).__name__}: {error}"
            ) from None
        if not callable(value) and not hasattr(value, "__get__"):
            raise _usage_error(
                f"Could not find function {text!r}.\nIt gives {value!r}; -f wants the function"
                " itself, without calling it."
            )
        return value

    def _transformed(self, source: str) -> str:
        """IPython's own syntax (%magics, !commands) as Python."""
        transform = getattr(self.shell, "transform_cell", None)
        return str(transform(source)) if transform is not None else source

    def _compiled(self, source: str) -> CodeType:
        """The source compiled under a name by which linecache knows it."""
        import linecache

        MemoryProfilerMagics._sources += 1
        name = f"<mprun {MemoryProfilerMagics._sources}>"
        # Without a time stamp linecache never looks for such a file.
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        code: CodeType = compile(source, name, "exec", dont_inherit=True)
        return code

    def _show(
        self, profiler: _line.LineProfiler, options: Dict[str, List[str]], message: str
    ) -> None:
        from io import StringIO

        from IPython.core.page import page

        text = StringIO()
        _table.show_results(profiler, stream=text)
        output = text.getvalue().rstrip()
        if output:
            page(output)
        elif not message:
            message = "*** No profiled function ran. Name one with -f, or use %%mprun on a cell."
        print(message)
        path = options.get("T", [""])[-1]
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(output)
            print(f"\n*** Profile printout saved to text file {path}. {message}")


class _BuiltinProfile:
    """The profiler is builtins.profile; afterwards it is what it was."""

    def __init__(self, profiler: Any) -> None:
        self.profiler = profiler
        self.previous = builtins.__dict__.get("profile", _HIDDEN)

    def __enter__(self) -> None:
        builtins.__dict__["profile"] = self.profiler

    def __exit__(self, *error: Any) -> None:
        if self.previous is _HIDDEN:
            builtins.__dict__.pop("profile", None)
        else:
            builtins.__dict__["profile"] = self.previous


def _usage_error(text: str) -> Exception:
    from IPython.core.error import UsageError

    error: Exception = UsageError(text)
    return error


def _number(options: Dict[str, List[str]], letter: str, default: float) -> float:
    text = options.get(letter, [""])[-1]
    try:
        return float(text) if text else default
    except ValueError:
        raise _usage_error(f"option -{letter} wants a number, not {text!r}") from None


def _split_options(line: str, letters: str) -> Tuple[Dict[str, List[str]], str]:
    """Options in front of a statement, and the statement exactly as typed.

    letters as for getopt. An option's value ends at a blank, unless it is in quotes or brackets.
    """
    options: Dict[str, List[str]] = {}
    rest = line.lstrip()
    while rest.startswith("-") and rest[1:2].isalpha():
        word = rest[1:]
        while word and not word[0].isspace():
            letter, word = word[0], word[1:]
            at = letters.find(letter)
            if at < 0 or letter == ":":
                raise _usage_error(f"option -{letter} not recognized (allowed: {letters!r})")
            if letters[at + 1 : at + 2] == ":":
                value, word = _value(word.lstrip())
                if not value:
                    raise _usage_error(f"option -{letter} requires an argument")
                options.setdefault(letter, []).append(value)
                break
            options.setdefault(letter, []).append("")
        rest = word.lstrip()
    if rest.startswith("-- "):
        rest = rest[3:].lstrip()
    return options, rest


def _value(text: str) -> Tuple[str, str]:
    """The value that text starts with, without quotes around it, and what follows."""
    depth = 0
    quote = ""
    end = len(text)
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char.isspace() and depth <= 0:
            end = i
            break
    value = text[:end]
    if len(value) > 1 and value[0] in "\"'" and value.find(value[0], 1) == len(value) - 1:
        value = value[1:-1]
    return value, text[end:]


def load_ipython_extension(ip):
    # type: (Any) -> None
    """%load_ext memory_profiler"""
    MemoryProfilerMagics.register_magics(ip)

"""Names and signatures of the module (compat specification, 1.1)."""

import inspect
import warnings

import pytest

PUBLIC = """CodeMap LineProfiler LogFile MemTimer MemitResult MemoryProfilerMagics TimeStamper
choose_backend exec_with_profiler has_tracemalloc load_ipython_extension memory_usage profile
run_module_with_profiler show_results""".split()
PRIVATE = """__version__ _TWO_20 _TimeStamperCM _find_script _func_exec _get_child_memory
_get_memory""".split()

# name -> parameters as the original has them; ours may add keyword-only ones with defaults.
SIGNATURES = {
    "profile": "func=None, stream=None, precision=1, backend='psutil'",
    "LineProfiler": "**kw",
    "LineProfiler.__call__": "self, func=None, precision=1",
    "LineProfiler.add_function": "self, func",
    "LineProfiler.wrap_function": "self, func",
    "LineProfiler.runctx": "self, cmd, globals, locals",
    "LineProfiler.enable_by_count": "self",
    "LineProfiler.disable_by_count": "self",
    "LineProfiler.enable": "self",
    "LineProfiler.disable": "self",
    "LineProfiler.__enter__": "self",
    "LineProfiler.__exit__": "self, exc_type, exc_val, exc_tb",
    "LineProfiler.trace_memory_usage": "self, frame, event, arg",
    "LineProfiler.trace_max_mem": "self, frame, event, arg",
    "CodeMap": "include_children, backend",
    "CodeMap.add": "self, code, toplevel_code=None",
    "CodeMap.trace": "self, code, lineno, prev_lineno",
    "CodeMap.items": "self",
    "TimeStamper": "backend, include_children=False",
    "TimeStamper.__call__": "self, func=None, precision=None",
    "TimeStamper.timestamp": "self, name='<block>'",
    "TimeStamper.add_function": "self, func",
    "TimeStamper.wrap_function": "self, func",
    "TimeStamper.call_on_stack": "self, func, *args, **kwds",
    "TimeStamper.show_results": "self, stream=None",
    "memory_usage": "proc=-1, interval=0.1, timeout=None, timestamps=False,"
    " include_children=False, multiprocess=False, max_usage=False, retval=False, stream=None,"
    " backend=None, max_iterations=None",
    "show_results": "prof, stream=None, precision=1",
    "choose_backend": "new_backend=None",
    "LogFile": "name=None, reportIncrementFlag=False",
    "LogFile.write": "self, msg, level=20",
    "LogFile.flush": "self",
    "exec_with_profiler": "filename, profiler, backend, passed_args=[]",
    "run_module_with_profiler": "module, profiler, backend, passed_args=[]",
    "MemTimer": "monitor_pid, interval, pipe, backend, max_usage=False, *args, **kw",
    "MemitResult": "mem_usage, baseline, repeat, timeout, interval, include_children",
    "_get_memory": "pid, backend, timestamps=False, include_children=False, filename=None",
    "_get_child_memory": "process, meminfo_attr=None, memory_metric=0",
    "_find_script": "script_name",
    "_func_exec": "stmt, ns",
    "load_ipython_extension": "ip",
}


@pytest.mark.parametrize("name", PUBLIC + PRIVATE)
def test_name_exists(mp, name):
    assert hasattr(mp, name)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(mp, name):
    thing = mp
    for part in name.split("."):
        thing = getattr(thing, part)
    theirs = SIGNATURES[name]
    found = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert parameter.default is not parameter.empty, parameter
        elif parameter.kind is not parameter.VAR_KEYWORD or "**" in theirs:
            found.append(str(parameter))
    assert ", ".join(found) == theirs


def test_star_import_needs_no_other_package(python):
    done = python(
        "-c",
        """
import sys
for name in ("psutil", "IPython", "matplotlib"):
    sys.modules[name] = None  # importing it fails
before = set(globals())
from memory_profiler import *
print(" ".join(sorted(set(globals()) - before)))
""",
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert set(PUBLIC) <= set(names)
    assert "psutil" not in names
    assert not [name for name in names if name.startswith("_") or name == "annotations"]


def test_psutil_is_passed_through_on_use(python):
    done = python(
        "-c",
        """
import sys, types
import memory_profiler
assert "psutil" not in sys.modules
fake = sys.modules["psutil"] = types.ModuleType("psutil")
assert memory_profiler.psutil is fake
sys.modules["psutil"] = None
try:
    memory_profiler.psutil
except AttributeError as error:
    print(error)
assert not hasattr(memory_profiler, "no_such_name")
""",
    )
    assert done.stdout == "psutil is not installed; memline works without it\n", done.stderr


def test_version(mp):
    assert tuple(map(int, mp.__version__.split("."))) >= (0, 61, 0)
    assert mp._TWO_20 == 1048576.0
    assert mp.has_tracemalloc is True


def test_no_all(mp):
    assert not hasattr(mp, "__all__")


def test_import_loads_nothing_heavy(python):
    done = python(
        "-c",
        """
import sys
before = set(sys.modules)
import memory_profiler
new = set(sys.modules) - before
print(" ".join(sorted(new & set(
    "psutil IPython matplotlib multiprocessing logging subprocess argparse pdb tracemalloc"
    " asyncio json".split()))))
""",
    )
    assert done.stdout == "\n", done.stderr


def test_choose_backend(mp):
    assert mp.choose_backend() == "psutil"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"):
            assert mp.choose_backend(name) == name
    with pytest.raises(KeyError, match="psutil_pss"):
        mp.choose_backend("nonsense")


def test_install_puts_the_modules_in_place(python):
    done = python(
        "-c",
        """
import sys
from memline.dropin import install
sys.path = [p for p in sys.path if not p.endswith("compat")]
install()
import memory_profiler, mprof
print(memory_profiler.__name__, mprof.__name__, memory_profiler.profile.__name__)
""",
    )
    assert done.stdout == "memline.dropin.memory_profiler memline.dropin.mprof profile\n", (
        done.stderr
    )

"""What is said of native memory that cannot be seen."""

import json

import pytest

OWN = """
#include <stddef.h>
static _Alignas(16) char pool[1 << 16];
static size_t used;
void *malloc(size_t n)
{
    size_t at = used;
    used += (n + 15) & ~(size_t)15;
    return used <= sizeof pool ? pool + at : NULL;
}
void free(void *p)
{
}
void *own_get(size_t n)
{
    return malloc(n);
}
"""
PROGRAM = """
import ctypes, sys
own = ctypes.CDLL(sys.argv[1])
own.own_get.restype = ctypes.c_void_p
def work():
    return own.own_get(ctypes.c_size_t(20000))
assert work()
from memline import _core
told = _core.native_report()
print(told["installed"], told["n_own_allocators"], told["own_allocators"])
print(told["provider"].startswith("libc"), 0 < told["patched"] <= told["objects"], told["refused"])
print(told["slots"] > told["patched"])
"""


@pytest.fixture
def library(shared_library):
    return shared_library("libown", OWN, "-fno-builtin", "-Wl,-Bsymbolic")


def test_a_library_with_an_allocator_of_its_own_is_named(run, python, program, library, tmp_path):
    script = tmp_path / "app.py"
    script.write_text(PROGRAM)
    command = [python, "-m", "memline", "run", "-o", "app.book", script, library]
    done = run(command, env={"MEMLINE_CONFIG": ""})
    assert done.stdout.splitlines() == ["True 1 ['libown.so']", "True True 0", "True"]
    note = "blocks of libown.so, which has an allocator of its own"
    assert f"not counted: {note}\n" in done.stderr
    shown = json.loads(run([program, "report", "--json", "app.book"]).stdout)
    assert shown["meta"]["not counted"] == note


def test_nothing_is_said_where_all_is_seen(run, python, tmp_path):
    script = tmp_path / "app.py"
    script.write_text("def work():\n    return bytearray(10)\nwork()\n")
    done = run([python, "-m", "memline", "run", script], env={"MEMLINE_BOOKS": str(tmp_path)})
    assert "native allocations included" in done.stderr
    assert "not counted" not in done.stderr

"""Threads that never run Python: their own account, or that of the line that started them."""

import pytest

SOURCE = r"""
#include <pthread.h>
#include <stdlib.h>
static void *body(void *unused)
{
    for (int i = 0; i < 1000; i++)
        if (malloc(4096) == NULL)
            return NULL;
    return NULL;
}
int work(void)
{
    pthread_t t;
    return pthread_create(&t, NULL, body, NULL) == 0 ? pthread_join(t, NULL) : -1;
}
"""
PROGRAM = """
import ctypes
library = ctypes.CDLL({library!r})

def run():
    global answer
    answer = library.work()
"""


@pytest.fixture
def program(tmp_path, shared_library):
    library = shared_library("threads", SOURCE, "-O1", "-pthread")
    path = tmp_path / "starts.py"
    path.write_text(PROGRAM.format(library=str(library)))
    return path


def test_native_threads_have_their_own_account(program, run_program):
    ran = run_program(program, {"answer": "answer"})
    assert ran.values["answer"] == 0
    assert ran.heap["native_threads"]["held_bytes"] >= 4_096_000
    assert ran.line(7)["held_bytes"] < 100_000


def test_native_threads_inherit_the_line(program, run_program):
    ran = run_program(program, {"answer": "answer"}, inherit=True)
    assert ran.values["answer"] == 0
    assert 0 <= ran.line(7)["held_bytes"] - 4_096_000 < 100_000
    assert ran.heap["native_threads"]["held_bytes"] < 100_000

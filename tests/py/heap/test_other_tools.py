"""Sample mode finds the running line inside malloc: not a place where everything may be done."""

import pytest

# New code in each round: a sample must judge it, or see that now is not the moment.
TRACEMALLOC = """
import tracemalloc
def churn(n):
    for i in range(n):
        names = {}
        code = "def f():\\n    return [bytearray(300) for _ in range(30)]\\n"
        exec(compile(code, "made_%d.py" % i, "exec"), names)
        names["f"]()
if not tracemalloc.is_tracing():
    tracemalloc.start(3)
churn(60)
tracemalloc.stop()
churn(10)
tracemalloc.start()
churn(20)
print(len(tracemalloc.take_snapshot().traces) > 0)
"""

# Py_NewInterpreter allocates while no thread state is current.
INTERPRETERS = """
import _testcapi
for i in range(5):
    _testcapi.run_in_subinterp("x = [bytearray(100) for _ in range(100)]")
print(True)
"""


@pytest.fixture
def sampled(run, python, tmp_path):
    def run_sampled(text, **env):
        script = tmp_path / "program.py"
        script.write_text(text)
        command = [python, "-m", "memline", "run", "--no-report", "-o", tmp_path / "b.memline"]
        command += ["--mode", "sample", "--rate", "64", "--seed", "1", "--include", "*", script]
        done = run(command, env=env)
        assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr

    return run_sampled


@pytest.mark.parametrize("before", [{}, {"PYTHONTRACEMALLOC": "3"}], ids=["after us", "before us"])
def test_tracemalloc_takes_its_lock_for_every_new_object(sampled, before):
    sampled(TRACEMALLOC, **before)


def test_an_interpreter_is_made(sampled):
    pytest.importorskip("_testcapi")
    sampled(INTERPRETERS)

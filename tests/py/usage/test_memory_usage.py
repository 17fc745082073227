"""memory_usage: every input and return type, each call once, true peaks (compat spec 1.3, 7)."""

import asyncio
import io
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest
from memline import _core
from memline.dropin import _backends
from memline.dropin._usage import choose_backend, memory_usage

MIB = 2**20
BACKENDS = ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"]


def is_sample(value):
    return isinstance(value, float) and 0 <= value < 1e5


def is_stamped(value):
    mib, at = value
    return isinstance(value, tuple) and is_sample(mib) and abs(time.time() - at) < 60


def sleeper(seconds=30):
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])


@pytest.fixture
def child():
    """A process that sleeps, with one child that sleeps."""
    code = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c',"
        "'import time; time.sleep(30)']); print('ready', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    yield process
    for pid, _ in _core.children_memory(process.pid):
        os.kill(pid, 9)
    process.kill()
    process.communicate()


# -- calls -----------------------------------------------------------------------------------------

CALL_SHAPES = [
    ({}, lambda usage: all(map(is_sample, usage)) and len(usage) >= 3),
    ({"timestamps": True}, lambda usage: all(map(is_stamped, usage)) and len(usage) >= 3),
    ({"max_usage": True}, is_sample),
    ({"max_usage": True, "timestamps": True}, is_stamped),
    ({"retval": True}, lambda pair: isinstance(pair[0], list) and pair[1] == 7),
    ({"retval": True, "max_usage": True}, lambda pair: is_sample(pair[0]) and pair[1] == 7),
    (
        {"retval": True, "max_usage": True, "timestamps": True},
        lambda pair: is_stamped(pair[0]) and pair[1] == 7,
    ),
    ({"multiprocess": True}, lambda usage: all(map(is_sample, usage))),
    ({"include_children": True}, lambda usage: all(map(is_sample, usage))),
    ({"timeout": 0.01}, lambda usage: all(map(is_sample, usage))),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("options", "fits"), CALL_SHAPES, ids=lambda value: str(value)[:60])
def test_shape_of_a_call(options, fits, backend):
    if backend == "posix" and "include_children" in options:
        pytest.skip("refused, see test_posix_has_no_children")
    assert fits(memory_usage(lambda: 7, backend=backend, **options))


def test_forms_of_a_call():
    def add(a, b=0, c=0):
        return a + b + c

    for call, value in [
        ((add, (1, 2)), 3),
        ((add, (1,), {"c": 5}), 6),
        ([add, [1], {}], 1),
        ((int,), 0),
        (int, 0),
    ]:
        assert memory_usage(call, retval=True)[1] == value


@pytest.mark.parametrize("call", [(), [], (int, (), {}, 1)])
def test_wrong_number_of_items(call):
    with pytest.raises(ValueError, match="function, args, kwargs"):
        memory_usage(call)


@pytest.mark.parametrize("options", [{}, {"max_iterations": 1}, {"interval": 1e-5}])
def test_a_function_runs_once(options):
    calls = []
    memory_usage(lambda: calls.append(1), **options)
    assert calls == [1]


def test_more_runs_only_when_asked_for():
    calls = []
    memory_usage(lambda: calls.append(1), max_iterations=3, interval=1000)
    assert 1 < len(calls) <= 3
    calls.clear()
    memory_usage(lambda: (calls.append(1), time.sleep(0.2)), max_iterations=3, interval=0.01)
    assert calls == [1]  # enough samples at once


def test_it_runs_here():
    assert memory_usage(lambda: (os.getpid(), threading.get_ident()), retval=True)[1] == (
        os.getpid(),
        threading.get_ident(),
    )


@pytest.mark.figures
@pytest.mark.parametrize("backend", ["psutil", "posix", "tracemalloc"])
@pytest.mark.parametrize("children", [False, True])
def test_a_short_peak_is_found(backend, children):
    if backend == "posix" and children:
        pytest.skip("refused, see test_posix_has_no_children")
    bytearray(200 * MIB)  # an older, higher peak is not told
    usage = memory_usage(
        (bytearray, (50 * MIB,)), interval=100, backend=backend, include_children=children
    )
    assert max(usage) - usage[0] == pytest.approx(50, abs=1)
    highest = memory_usage((bytearray, (50 * MIB,)), max_usage=True, backend=backend)
    assert highest - usage[0] == pytest.approx(50, abs=1)


@pytest.mark.figures
def test_nested_measurements_keep_their_peaks():
    def inner():
        bytearray(20 * MIB)

    def outer():
        bytearray(80 * MIB)
        return memory_usage(inner, interval=100)

    base = memory_usage()[0]
    outside, inside = memory_usage(outer, interval=100, retval=True)
    assert max(inside) - base == pytest.approx(20, abs=2)
    assert max(outside) - base == pytest.approx(80, abs=2)


@pytest.mark.figures
@pytest.mark.parametrize("backend", ["psutil_pss", "psutil_uss"])
def test_other_kinds_see_what_stays(backend):
    usage, value = memory_usage(
        (lambda: bytearray(50 * MIB)), backend=backend, retval=True, interval=0.01
    )
    # Other processes share our libraries' pages, and come and go.
    assert usage[-1] - usage[0] == pytest.approx(50, abs=6)
    assert len(value) == 50 * MIB


@pytest.mark.figures
def test_children_of_a_call_count():
    def spawn():
        code = f"x = bytearray({60 * MIB}); print(1, flush=True); input()"
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        child.stdout.readline()
        time.sleep(0.1)
        child.communicate(b"\n")

    without = memory_usage(spawn, interval=0.01, max_usage=True)
    assert memory_usage(spawn, interval=0.01, max_usage=True, include_children=True) > without + 60


def test_samples_come_at_the_interval():
    usage = memory_usage((time.sleep, (0.5,)), interval=0.05, timestamps=True)
    assert 8 <= len(usage) <= 14
    times = [at for _, at in usage]
    assert times == sorted(times)


def test_sampling_goes_on_while_the_interpreter_is_locked():
    def locked():
        # One call into C that keeps the interpreter lock.
        sum(range(12_000_000))

    assert len(memory_usage(locked, interval=0.005)) > 10


def test_exceptions_propagate_and_leave_nothing():
    other = sleeper()
    threads = threading.active_count()

    def fail():
        raise LookupError("mine")

    try:
        for backend in ("psutil", "tracemalloc"):
            with pytest.raises(LookupError, match="mine"):
                memory_usage(fail, backend=backend)
        assert other.poll() is None  # an unrelated child lives on
        assert threading.active_count() == threads
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    ("error", "status"), [("sys.exit(3)", 3), ("raise KeyboardInterrupt", -2), ("1 / 0", 1)]
)
def test_the_process_ends_at_once(error, status):
    code = (
        "import sys\nfrom memline.dropin._usage import memory_usage\n"
        f"def f():\n    {error}\nmemory_usage(f, interval=100)\n"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, timeout=20)
    assert done.returncode in (status, 130 if status == -2 else status)
    assert time.monotonic() - start < 5


def test_a_stream_gets_records():
    stream = io.StringIO()
    assert memory_usage((time.sleep, (0.05,)), interval=0.01, stream=stream) is None
    lines = stream.getvalue().splitlines()
    assert len(lines) >= 3
    for line in lines:
        word, mib, at = line.split()
        assert word == "MEM"
        assert float(mib) > 0
        assert abs(time.time() - float(at)) < 60


def test_a_stream_gets_records_of_a_call_that_fails():
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError):
        memory_usage(lambda: 1 / 0, stream=stream)
    assert stream.getvalue().startswith("MEM ")


def test_fork_inside_the_call():
    def fork():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            usage = memory_usage(lambda: None)
            os._exit(0 if len(usage) >= 3 else 1)
        return os.waitpid(pid, 0)[1]

    assert memory_usage(fork, retval=True, interval=0.001)[1] == 0


def test_a_child_forked_inside_the_call_may_return():
    code = (
        "import os\nfrom memline.dropin._usage import memory_usage\n"
        "usage, pid = memory_usage(os.fork, retval=True, interval=0.001)\n"
        "if pid == 0: os._exit(len(usage) >= 1 and 5)\n"
        "print(os.waitpid(pid, 0)[1] >> 8)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, timeout=20
    )
    assert done.stdout == b"5\n"


def test_threads_measure_at_once():
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(memory_usage(lambda: 1, retval=True)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [value for _, value in results] == [1] * 8


def test_a_coroutine_function_is_only_called():
    async def five():
        return 5

    _, coroutine = memory_usage(five, retval=True)
    assert asyncio.run(coroutine) == 5


@pytest.mark.skipif(sys.version_info < (3, 9), reason="no reset_peak before 3.9")
def test_tracemalloc_is_as_it_was():
    import tracemalloc

    assert not tracemalloc.is_tracing()
    memory_usage(lambda: None, backend="tracemalloc")
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        memory_usage(lambda: None, backend="tracemalloc")
        assert tracemalloc.is_tracing()
        # Turned off by the program itself meanwhile: the samples end, nothing breaks.
        assert isinstance(memory_usage(tracemalloc.stop, backend="tracemalloc"), list)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("interval", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("backend", ["psutil", "tracemalloc"])
def test_bad_intervals(interval, backend):
    with pytest.raises(ValueError, match="interval"):
        memory_usage(lambda: None, interval=interval, backend=backend)


# -- processes -------------------------------------------------------------------------------------


def nested(inner):
    def fits(usage):
        return all(
            isinstance(sample, list)
            and inner(sample[0])
            and len(sample) == 2
            and is_sample(sample[1])
            for sample in usage
        )

    return fits


PROCESS_SHAPES = [
    ({}, lambda usage: all(map(is_sample, usage))),
    ({"timestamps": True}, lambda usage: all(map(is_stamped, usage))),
    ({"max_usage": True}, is_sample),
    ({"max_usage": True, "timestamps": True}, is_sample),
    ({"multiprocess": True}, nested(is_sample)),
    ({"multiprocess": True, "timestamps": True}, nested(is_stamped)),
    ({"multiprocess": True, "max_usage": True}, is_sample),
    ({"include_children": True}, lambda usage: all(map(is_sample, usage))),
    ({"include_children": True, "multiprocess": True}, nested(is_sample)),
    ({"retval": True}, lambda usage: all(map(is_sample, usage))),
]


@pytest.mark.parametrize(("options", "fits"), PROCESS_SHAPES, ids=lambda value: str(value)[:60])
@pytest.mark.parametrize("form", [int, str, lambda pid: pid])
def test_shape_of_a_process(options, fits, form, child):
    proc = form(child.pid) if form in (int, str) else child
    usage = memory_usage(proc, interval=0.02, timeout=0.06, **options)
    assert fits(usage)
    if isinstance(usage, list):
        assert len(usage) == 3


def test_children_are_added(child):
    alone = memory_usage(child.pid)[0]
    together = memory_usage(child.pid, include_children=True)[0]
    main, grandchild = memory_usage(child.pid, multiprocess=True)[0]
    assert together == pytest.approx(alone + grandchild, abs=1)
    assert main == pytest.approx(alone, abs=1)


def test_one_sample_without_a_timeout():
    start = time.monotonic()
    assert len(memory_usage(-1, interval=5)) == 1
    assert len(memory_usage(os.getpid(), interval=5)) == 1
    assert time.monotonic() - start < 4


def test_samples_of_a_process_until_it_ends():
    process = sleeper(0.5)
    usage = memory_usage(process, interval=0.05)
    assert process.wait() == 0
    assert 3 <= len(usage) <= 60


def test_a_process_that_has_ended_gives_one_sample():
    process = sleeper(0)
    process.wait()
    assert memory_usage(process) == [0.0]
    assert memory_usage(process, max_usage=True) == 0.0


def test_nobody():
    process = sleeper(0)
    process.wait()
    with pytest.raises(ProcessLookupError, match="no such process"):
        memory_usage(process.pid)


def test_a_process_that_ends_meanwhile():
    process = sleeper(0.4)
    usage = memory_usage(process.pid, interval=0.02, timeout=10)
    assert 1 <= len(usage) < 500
    process.wait()


@pytest.mark.figures
def test_highest_of_a_process_is_its_peak():
    code = f"import sys, time; sys.stdin.read(1); bytearray({100 * MIB}); time.sleep(.4)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    timer = threading.Timer(0.5, lambda: process.communicate(b"x"))
    timer.start()
    highest = memory_usage(process, interval=0.3, max_usage=True)
    timer.join()
    assert highest > 100


def test_a_stream_gets_records_of_children(child):
    stream = io.StringIO()
    assert (
        memory_usage(child, interval=0.02, timeout=0.06, multiprocess=True, stream=stream) is None
    )
    words = [line.split() for line in stream.getvalue().splitlines()]
    assert [word[0] for word in words] == ["MEM", "CHLD"] * 3
    assert [len(word) for word in words] == [3, 4] * 3
    grandchild = _core.children_memory(child.pid)[0][0]
    assert {word[1] for word in words if word[0] == "CHLD"} == {str(grandchild)}


def test_a_stream_is_flushed_meanwhile():
    class Stream(io.StringIO):
        flushes = 0

        def flush(self):
            self.flushes += 1

    stream = Stream()
    memory_usage(-1, interval=0.001, timeout=0.11, stream=stream)
    assert stream.flushes >= 3  # at 50, at 100, at the end


def test_a_zero_interval_with_a_timeout():
    with pytest.raises(ValueError, match="interval"):
        memory_usage(-1, interval=0, timeout=1)


@pytest.mark.parametrize("proc", ["print(1)", "", "-1", 1.5, None, {}])
def test_wrong_types(proc):
    with pytest.raises(TypeError, match=r"process id"):
        memory_usage(proc)


def test_tracemalloc_of_processes():
    import tracemalloc

    with pytest.raises(RuntimeError, match="not tracing"):
        memory_usage(-1, backend="tracemalloc")
    with pytest.raises(RuntimeError, match="this process only"):
        memory_usage(1, backend="tracemalloc")
    tracemalloc.start()
    try:
        assert len(memory_usage(-1, backend="tracemalloc")) == 1
        assert memory_usage(-1, backend="tracemalloc", multiprocess=True)[0][1:] == []
    finally:
        tracemalloc.stop()


# -- backends --------------------------------------------------------------------------------------


def test_choose_backend():
    assert choose_backend() == "psutil"
    assert choose_backend(None) == "psutil"
    for name in BACKENDS:
        assert choose_backend(name) == name


@pytest.mark.parametrize("name", ["rss", "", 5, []])
def test_unknown_backends(name):
    with pytest.raises(KeyError, match="psutil, psutil_pss, psutil_uss, posix, tracemalloc"):
        choose_backend(name)
    with pytest.raises(KeyError):
        memory_usage(-1, backend=name)


def test_an_unavailable_backend_is_replaced(monkeypatch):
    monkeypatch.setitem(_backends._readable, "pss", False)
    with pytest.warns(UserWarning, match="psutil_pss can not be used, psutil used instead"):
        assert choose_backend("psutil_pss") == "psutil"


@pytest.mark.parametrize("proc", [-1, int])
def test_posix_has_no_children(proc):
    with pytest.raises(NotImplementedError, match="posix"):
        memory_usage(proc, backend="posix", include_children=True)

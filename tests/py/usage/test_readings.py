"""_core's process memory, _get_memory, _get_child_memory and MemTimer."""

import multiprocessing
import os
import subprocess
import sys
import time

import pytest
from memline import _core
from memline.dropin._usage import _TWO_20, MemTimer, _get_child_memory, _get_memory

KINDS = ["rss", "pss", "uss"]


def status(field, pid="self"):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise LookupError(field)


@pytest.fixture
def child():
    process = subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("pid", [-1, os.getpid()])
def test_memory_is_the_kernels(pid):
    assert _core.memory(pid) == pytest.approx(status("VmRSS"), abs=2**20)
    assert _core.memory(pid=pid, kind="rss") == pytest.approx(status("VmRSS"), abs=2**20)


def test_kinds():
    rss, pss, uss = (_core.memory(-1, kind) for kind in KINDS)
    assert 0 < uss <= pss + 4096 <= rss + 2**20


@pytest.mark.parametrize("function", [_core.memory, _core.children_memory, _core.Watcher])
def test_bad_arguments(function):
    with pytest.raises(ValueError, match="kind must be"):
        function(-1, kind="vms")
    for pid in (0, -2):
        with pytest.raises(ValueError, match="pid must be"):
            function(pid)
    with pytest.raises(TypeError):
        function("1")
    with pytest.raises((TypeError, OverflowError)):
        function(2**40)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody(kind):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(ProcessLookupError, match=rf"process {process.pid}: no such process"):
        _core.memory(process.pid, kind)
    with pytest.raises(ProcessLookupError):
        _core.peak_memory(process.pid)
    with pytest.raises(ProcessLookupError):
        _core.Watcher(process.pid, kind=kind).start()
    assert _core.children_memory(process.pid, kind) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_not_permitted(tmp_path):
    code = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from memline import _core\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: _core.memory(1, 'pss')\n"
        "except PermissionError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert b"cannot read the memory of process 1: permission denied" in done.stdout


def test_children(child):
    ((pid, size),) = _core.children_memory()
    assert pid == child.pid
    assert size == pytest.approx(_core.memory(child.pid), rel=0.5)
    assert _core.children_memory(child.pid) == []


@pytest.mark.figures
def test_peak():
    bytearray(100 * 2**20)
    assert _core.peak_memory() > _core.memory() + 90 * 2**20
    if _core.peak_reset():
        assert _core.peak_memory() < _core.memory() + 10 * 2**20


# -- Watcher ---------------------------------------------------------------------------------------


def test_watcher_runs_once():
    watcher = _core.Watcher(interval=10)
    assert watcher.stop() == []
    watcher.start()
    with pytest.raises(RuntimeError, match="starts once"):
        watcher.start()
    samples = watcher.stop()
    assert len(samples) >= 3
    assert all(isinstance(size, int) and isinstance(at, float) for size, at in samples)
    assert watcher.stop() == samples
    assert (watcher.ended, watcher.lost) == (False, 0)


def test_watcher_is_stopped_by_its_end():
    for _ in range(200):
        _core.Watcher(interval=10).start()
    with open("/proc/self/status") as file:
        threads = [int(line.split()[1]) for line in file if line.startswith("Threads:")]
    assert threads[0] < 100


def test_watcher_without_init():
    watcher = _core.Watcher.__new__(_core.Watcher)
    with pytest.raises(RuntimeError, match="__init__"):
        watcher.start()
    with pytest.raises(RuntimeError, match="__init__"):
        watcher.stop()
    assert (watcher.ended, watcher.lost) == (False, 0)
    watcher.__init__()
    with pytest.raises(RuntimeError, match="once"):
        watcher.__init__()


def test_watcher_tells_the_end(child):
    watcher = _core.Watcher(child.pid, 0.01)
    watcher.start()
    assert not watcher.ended
    child.kill()
    deadline = time.monotonic() + 10
    while not watcher.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert watcher.ended
    assert watcher.stop()


def test_watcher_writes_records(tmp_path, child):
    path = tmp_path / "records"
    with open(path, "ab") as file:
        watcher = _core.Watcher(interval=0.05, fd=file.fileno(), each_child=True)
        watcher.start()
        time.sleep(1.5)
        early = path.read_text()
        samples = watcher.stop()
    lines = path.read_text().splitlines()
    assert early.count("\n") >= 5  # not only at the end
    mem = [line.split() for line in lines if line.startswith("MEM ")]
    chld = [line.split() for line in lines if line.startswith("CHLD ")]
    assert len(mem) == len(samples)
    assert float(mem[0][1]) == pytest.approx(samples[0][0] / _TWO_20, abs=1e-5)
    assert float(mem[0][2]) == pytest.approx(samples[0][1], abs=1e-3)
    assert chld
    assert {record[1] for record in chld} == {str(child.pid)}
    assert watcher.lost == 0


def test_watcher_tells_what_it_lost():
    with open("/dev/full", "wb", buffering=0) as full:
        watcher = _core.Watcher(interval=0.01, fd=full.fileno())
        watcher.start()
        time.sleep(0.05)
        samples = watcher.stop()
    assert watcher.lost == len(samples)


# -- the two helpers of the original -------------------------------------------------------------


@pytest.mark.parametrize("backend", ["psutil", "posix", "psutil_pss", "psutil_uss"])
def test_get_memory(backend):
    assert _get_memory(-1, backend) > 1
    mib, at = _get_memory(os.getpid(), backend, timestamps=True)
    assert mib > 1
    assert abs(time.time() - at) < 60
    assert _get_memory(-1, backend, filename="x.py") > 1


def test_get_memory_adds_children(child):
    assert _get_memory(-1, "psutil", include_children=True) > _get_memory(-1, "psutil") + 1
    with pytest.raises(NotImplementedError):
        _get_memory(-1, "posix", include_children=True)
    with pytest.raises(KeyError, match="psutil_pss"):
        _get_memory(-1, "nothing")


@pytest.mark.parametrize("metric", [0, 7, 8, "rss", "uss", "pss"])
def test_get_child_memory(child, metric):
    class HasPid:
        pid = os.getpid()

    for process in (os.getpid(), HasPid()):
        ((pid, mib),) = _get_child_memory(process, "memory_full_info", metric)
        assert pid == child.pid
        assert mib > 0


def test_get_child_memory_of_nobody():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert list(_get_child_memory(process)) == [(0, 0.0)]
    with pytest.raises(ValueError, match="vms"):
        list(_get_child_memory(process, memory_metric="vms"))


@pytest.mark.parametrize(
    ("options", "count"),
    [({"timestamps": True}, None), ({"timestamps": False}, None), ({"max_usage": True}, 1)],
)
def test_mem_timer(options, count):
    ours, theirs = multiprocessing.Pipe()
    timer = MemTimer(os.getpid(), 0.01, theirs, "psutil", **options)
    timer.start()
    assert ours.recv() == 0
    assert timer.is_alive()
    ours.send(0)
    usage, n = ours.recv(), ours.recv()
    timer.join(5)
    assert not timer.is_alive()
    assert n >= 3
    assert len(usage) == (count or n)
    if options.get("timestamps") is False:
        assert all(isinstance(sample, float) for sample in usage)
    else:
        assert all(len(sample) == 2 for sample in usage)

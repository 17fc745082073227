"""The three ways of reading the resident set tell the same figures."""

import mmap

import pytest
from engine_blocks import resident
from memline import _core

MIB = 1 << 20
GATES = ["faults", "time", "plain"]

pytestmark = pytest.mark.figures


@pytest.fixture(autouse=True)
def gate_put_back():
    yield
    _core.set_gate("faults")


ZERO = open("/dev/zero", "rb", buffering=0)


def work(n):
    keep = []
    for i in range(n):
        keep.append(resident(MIB))
        j = i
        k = j
    del keep[::2]
    space = mmap.mmap(-1, 8 * MIB)
    ZERO.readinto(space)
    del space
    return k


@pytest.mark.parametrize("gate", GATES)
def test_known_answers_with_each_gate(measured, gate):
    assert _core.set_gate(gate) in GATES
    f = measured(work)
    f.call(40)
    net = f.net_mib()
    assert net[3] == pytest.approx(40, abs=0.5)
    assert net[4] == 0
    assert net[5] == 0
    assert net[6] == pytest.approx(-20, abs=0.5)
    assert net[7] == 0
    assert net[8] == pytest.approx(8, abs=0.3)  # faults inside a system call
    assert net[9] == pytest.approx(-8, abs=0.3)


def test_gates_agree_line_by_line(measured):
    results = {}
    for gate in GATES:
        _core.set_gate(gate)
        f = measured(work)
        f.call(40)
        results[gate] = f.net_mib()
    for gate in ("faults", "time"):
        for line, net in results["plain"].items():
            assert results[gate][line] == pytest.approx(net, abs=0.2), (gate, line)


def test_closed_descriptors_do_no_harm(isolated):
    assert "50 MiB" in isolated("descriptors.py").stdout


def test_unknown_gate_is_named():
    with pytest.raises(ValueError, match="unknown gate 'fast'"):
        _core.set_gate("fast")

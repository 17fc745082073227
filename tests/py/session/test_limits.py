"""Memory limits: rows before the killer comes, in real control groups where the machine allows it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

MIB = 1 << 20

# What invocations of a leaking handler do; K32.
LEAK = """\
import sys, time
from memline import _core
CACHE = []
def handler():
    CACHE.append(bytearray(8 << 20))
def serve():
    for i in range(int(sys.argv[1])):
        handler()
        _core.limit_run_ended()
        print("done", i + 1, flush=True)
        time.sleep(0.03)
serve()
"""


class Group:
    """A memory control group below our own, of version 1 or 2."""

    def __init__(self, folder: Path, v2: bool) -> None:
        self.folder, self.v2 = folder, v2
        folder.mkdir()

    def limit(self, n: int) -> "Group":
        name = "memory.max" if self.v2 else "memory.limit_in_bytes"
        (self.folder / name).write_text(str(n))
        return self

    def inner(self, name: str) -> "Group":
        return Group(self.folder / name, self.v2)

    def enter(self) -> None:
        """In the child process that is to live in it."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))


def own_folder() -> Any:
    """(folder of our own group, whether of version 2), or why there is none."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return Path("/sys/fs/cgroup/memory" + path), False
    top = Path("/sys/fs/cgroup")
    if not (top / "cgroup.controllers").exists():
        return "no control group of memory is mounted"
    return top / path.lstrip("/"), True


@pytest.fixture
def group() -> Iterator[Group]:
    found = own_folder()
    if isinstance(found, str):
        pytest.skip(found)
    folder, v2 = found
    try:
        made = Group(folder / f"memline-test-{os.getpid()}", v2)
        made.limit(1 << 40)
    except OSError as error:
        (folder / f"memline-test-{os.getpid()}").exists() and os.rmdir(
            folder / f"memline-test-{os.getpid()}"
        )
        pytest.skip(f"control groups cannot be made here: {error}")
    yield made
    for below in sorted(made.folder.rglob("*"), reverse=True):
        if below.is_dir():
            below.rmdir()
    made.folder.rmdir()


def told_in(book: Path) -> List[Dict[str, Any]]:
    """The facts limit.80, limit.90, limit.95 of a book, as `memline report --json` shows them."""
    from memline import _core

    meta = json.loads(_core.report([str(book)], format="json"))["meta"]
    return [json.loads(meta[f"limit.{n}"]) for n in (80, 90, 95) if f"limit.{n}" in meta]


def leak(
    folder: Path,
    before: Callable[[], None],
    code: str = LEAK,
    mode: str = "heap",
    rounds: int = 100,
) -> Any:
    """Run the leak until something ends it: (status, number of the last line told, stderr, book)."""
    (folder / "leak.py").write_text(code)
    book = folder / "leak.book"
    words = [sys.executable, "-m", "memline", "run", "--mode", mode, "--no-report", "-o", str(book)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEMLINE", "PYTHON"))}
    done = subprocess.run(
        [*words, "leak.py", str(rounds)],
        cwd=str(folder),
        env={**kept, "MEMLINE_CONFIG": ""},
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=100,
    )
    last = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("done")]
    return done.returncode, (last or [0])[-1], done.stderr, book


@pytest.mark.figures
@pytest.mark.parametrize("mode", ["heap", "line"])
def test_k32_rows_come_before_the_killer(group: Group, tmp_path: Path, mode: str) -> None:
    status, last, said, book = leak(tmp_path, group.limit(256 * MIB).enter, mode=mode)
    assert status == -signal.SIGKILL
    told = told_in(book)
    assert [t["percent"] for t in told] == [80, 90, 95]
    key = "held_bytes" if mode == "heap" else "rss_net_bytes"
    for t in told:
        assert t["kind"] == ("cgroup v2" if group.v2 else "cgroup v1")
        assert t["where"] == str(group.folder) and t["limit_bytes"] == 256 * MIB
        assert t["use_bytes"] >= t["limit_bytes"] * t["percent"] / 100
        top = t["lines"][0]
        assert (top["line"], top["function"]) == (5, "handler")
        assert top["source"] == "CACHE.append(bytearray(8 << 20))"
        assert top[key] >= 0.9 * t["use_bytes"] - 30 * MIB
        # The killer comes in the invocation that no longer fits: the forecast was right.
        done = round(top[key] / (8 * MIB))
        assert abs(done + t["runs_left"][0] - (last + 1)) <= 1.5, (done, t, last)
    assert "memory is at 8" in said and "held" in said or mode == "line"
    assert "the limit is reached in about" in said and "each invocation leaves 8.0 MiB" in said


@pytest.mark.figures
def test_line_mode_tells_the_line_before_its_callers(run: Any, python: str, script: Any) -> None:
    script(
        "from memline import _limits\n"
        "kept = []\n"
        "def call0():\n    kept.append(bytearray(64 << 20))\n"
        + "".join(
            f"def call{i + 1}():\n"
            "    kept.append(bytearray(40000))\n"  # callers add a little of their own
            f"    call{i}()\n"
            for i in range(8)
        )
        + "def other():\n    kept.append(bytearray(16 << 20))\n"
        + "call8()\nother()\n"
        + "for n in (5, 99):\n"
        + "    told = [x['function'] for x in _limits.top_lines(n)]\n"
        + "    print([name for name in told if name != '<module>'])\n"
    )
    done = run([python, "-m", "memline", "run", "--mode", "line", "--no-report", "app.py"])
    calls = [f"call{i}" for i in range(8 + 1)]
    assert done.stdout.splitlines() == [str(calls[:5]), str([*calls, "other"])], done.stderr


@pytest.mark.figures
def test_a_limit_of_a_group_above(group: Group, tmp_path: Path) -> None:
    inner = group.limit(256 * MIB).inner("inner")
    status, _, _, book = leak(tmp_path, inner.enter)
    assert status == -signal.SIGKILL
    told = told_in(book)
    assert [t["percent"] for t in told] == [80, 90, 95]
    assert {t["where"] for t in told} == {str(group.folder)}


@pytest.mark.figures
def test_page_cache_is_not_use(group: Group, tmp_path: Path) -> None:
    code = (
        "import os\n"
        "def work():\n"
        "    block = b'x' * (1 << 20)\n"
        "    with open('big', 'wb') as f:\n"
        "        for _ in range(300):\n"
        "            f.write(block)\n"
        "            sum(range(1000))\n"
        "        os.fsync(f.fileno())\n"
        "work()\nprint('done 1')\n"
    )
    status, last, said, book = leak(tmp_path, group.limit(128 * MIB).enter, code)
    assert (status, last) == (0, 1), said
    assert told_in(book) == [] and "of its limit" not in said


@pytest.mark.figures
def test_the_address_space(tmp_path: Path) -> None:
    code = (
        "import resource\nfrom memline import _core\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "most = size * 2\n"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most))\n"
        "_core.limit_watch(__import__('memline')._session._near_limit)\n"  # it reads limits anew
        "kept = []\n"
        "def fill():\n"
        "    while True:\n"
        "        kept.append(bytearray(most // 50))\n"
        "        _core.limit_look()\n"
        "        __import__('time').sleep(0.01)\n"
        "try:\n    fill()\nexcept MemoryError:\n    kept.clear()\n    print('done 1')\n"
    )
    status, last, said, book = leak(tmp_path, lambda: None, code)
    assert (status, last) == (0, 1), said
    told = told_in(book)
    assert [t["percent"] for t in told] == [80, 90, 95], said
    assert {t["kind"] for t in told} == {"address space"}


FAKE = """\
import os, sys, threading, time
from pathlib import Path
import memline
from memline import _core, _limits
MIB = 1 << 20
root = Path("root")
def put(name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(str(text))
put("proc/self/cgroup", "0::/a\\n")
put("proc/self/mountinfo", "26 24 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\\n")
put("sys/fs/cgroup/a/memory.max", 100 * MIB)
def use(mib):
    put("sys/fs/cgroup/a/memory.current", mib * MIB)
use(10)
told = []
def tell(crossing):
    told.append(crossing)
"""


def test_a_dict_is_told_once(run: Any, python: str, script: Any) -> None:
    script(
        FAKE
        + "_core.limit_watch(tell, root='root')\n"
        + "for mib in (10, 79, 85, 86, 60, 85, 96):\n"
        + "    use(mib); time.sleep(0.06); _core.limit_look()\n"
        + "print([(t['percent'], t['use_bytes'] // MIB) for t in told])\n"
        + "print(sorted(told[0]), told[0]['kind'], told[0]['where'], told[0]['limit_bytes'] // MIB)\n"
        + "_core.limit_watch(None); use(99); time.sleep(0.06); _core.limit_look(); print(len(told))\n"
    )
    assert run([python, "app.py"]).stdout.splitlines() == [
        "[(80, 85), (80, 85), (95, 96)]",
        "['kind', 'limit_bytes', 'per_run', 'percent', 'rate', 'runs_left', 'use_bytes', 'where'] "
        "cgroup v2 /sys/fs/cgroup/a 100",
        "3",
    ]


def test_a_thread_tells_while_the_main_one_waits(run: Any, python: str, script: Any) -> None:
    script(
        FAKE
        + "@memline.profile\n"
        + "def grow():\n"
        + "    kept = []\n"
        + "    for i in range(20000):\n"
        + "        kept.append(bytearray(5000))\n"
        + "        if i == 5:\n"
        + "            use(85)\n"
        + "        if told:\n"
        + "            break\n"
        + "        time.sleep(0.002)\n"
        + "    print('in', threading.current_thread().name, told[0]['percent'])\n"
        + "_core.limit_watch(tell, root='root')\n"
        + "t = threading.Thread(target=grow, name='worker')\n"
        + "t.start(); t.join()\n"
    )
    assert "in worker 80" in run([python, "app.py"], env={"MEMLINE_CONFIG": ""}).stdout


def test_errors_of_the_callback_and_forks_do_no_harm(run: Any, python: str, script: Any) -> None:
    script(
        FAKE
        + "def bad(crossing):\n    told.append(1)\n    raise ValueError('no')\n"
        + "_core.limit_watch(bad, root='root')\n"
        + "use(85); _core.limit_look()\n"
        + "print(len(told))\n"
        + "pid = os.fork()\n"
        + "if pid == 0:\n"
        + "    use(96); time.sleep(0.06); _core.limit_look(); os._exit(len(told))\n"
        + "print(os.waitpid(pid, 0)[1] >> 8)\n"
    )
    done = run([python, "app.py"])
    assert done.stdout.split() == ["1", "2"] and "ValueError: no" in done.stderr


def test_the_log_gets_a_record(run: Any, python: str, script: Any) -> None:
    script(
        FAKE
        + "import json, logging\n"
        + "class Keep(logging.Handler):\n"
        + "    def emit(self, r):\n"
        + "        print(r.name, r.levelname, r.memline_percent, r.memline_runs_left,\n"
        + "              json.loads(r.memline_lines), r.getMessage().splitlines()[0])\n"
        + "logging.getLogger().addHandler(Keep())\n"
        + "_limits.to_log = True\n"
        + "_core.limit_watch(_limits.on_crossing, root='root')\n"
        + "use(92); _core.limit_look()\n"
    )
    assert run([python, "app.py"]).stdout.strip() == (
        "memline WARNING 90 None [] "
        "memory is at 92 % of its limit: 92.0 MiB of 100.0 MiB (cgroup v2 /sys/fs/cgroup/a)"
    )


def test_the_limits_of_this_process() -> None:
    from memline import _core

    limits = _core.limits()
    assert limits[-1]["kind"] == "machine" or len(limits) > 1
    assert [x["bytes"] for x in limits] == sorted(x["bytes"] for x in limits)
    machine = next(x for x in limits if x["kind"] == "machine")
    assert 0 < machine["use_bytes"] < machine["bytes"]

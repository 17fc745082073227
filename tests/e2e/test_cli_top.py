"""`memline top`: on a real terminal (a pseudo one, its screen read by pyte), in a pipe, as JSON."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pyte
import pytest


def clean_environment() -> Dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEMLINE", "PYTHON"))}
    return {**kept, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


GROW = """\
import sys, time
kept = []
def grow(n):
    kept.append(bytearray(n))
def idle():
    return 1
def main():
    for _ in range(int(sys.argv[1])):
        grow(1 << 18)
        idle()
        time.sleep(0.02)
    print("at work", flush=True)
    sys.stdin.readline()
main()
"""


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true answer; fails when none comes."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < end, f"still {answer!r} after {seconds} s"
        time.sleep(0.02)


class Target:
    """A program under memline that waits for a line on its standard input."""

    def __init__(self, folder: Path, rounds: int = 5) -> None:
        script = folder / "grow.py"
        script.write_text(GROW)
        self.book = folder / "grow.book"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "memline",
                "run",
                "--no-report",
                "-o",
                str(self.book),
                str(script),
            ]
            + [str(rounds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **clean_environment(),
                "MEMLINE_CONFIG": "",
                "MEMLINE_BOOKS": str(folder / "shelf"),
            },
            cwd=str(folder),
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"at work\n"

    def finish(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        if self.process.poll() is None:
            self.process.stdin.write(b"\n")
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    t = Target(tmp_path)
    yield t
    t.process.kill()
    t.process.wait()
    t.finish()


class Screen:
    """`memline top` on a pseudo terminal of its own; `text` is what stands on it."""

    def __init__(self, program: str, args: List[str], width: int = 160, height: int = 14) -> None:
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.status: Optional[int] = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            env = {**clean_environment(), "TERM": "xterm-256color"}
            os.execve(program, [program, "top", *args], env)
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(height, width)

    def pump(self) -> None:
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            self.raw += data
            self.stream.feed(data)

    @property
    def lines(self) -> List[str]:
        self.pump()
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def shows(self, *words: str) -> bool:
        text = self.text
        return all(word in text for word in words)

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def ended(self) -> bool:
        self.pump()
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = status
                self.pump()
        return self.status is not None

    def local_modes(self) -> int:
        return int(termios.tcgetattr(self.fd)[3])

    def close(self) -> None:
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def screen(program: str) -> Iterator[Callable[..., Screen]]:
    opened: List[Screen] = []

    def make(*args: str, **size: int) -> Screen:
        opened.append(Screen(program, [str(a) for a in args], **size))
        return opened[-1]

    yield make
    for s in opened:
        s.close()


def test_a_running_program_by_its_process_id(target: Target, screen: Any) -> None:
    s = screen(target.process.pid)
    wait_for(lambda: s.shows("running", f"pid {target.process.pid}", "grow.py:4 grow"))
    assert s.shows("kept.append(bytearray(n))", "RSS ", "q quit")
    assert "\x1b[?1049h" in s.raw.decode() and "\x1b[?25l" in s.raw.decode()
    before = s.local_modes()
    assert not before & termios.ICANON and not before & termios.ECHO
    s.press("q")
    wait_for(s.ended)
    assert os.WEXITSTATUS(s.status) == 0
    assert s.raw.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l")


def test_keys_sort_filter_and_scroll(target: Target, screen: Any) -> None:
    s = screen(target.book, height=10)
    wait_for(lambda: s.shows("by held", "main"))
    s.press("i")
    wait_for(lambda: s.shows("by hits", ">Hits"))
    s.press("/IDLE")
    wait_for(lambda: s.shows("filter: IDLE_", "1 line"))
    s.press("\r")
    wait_for(lambda: s.shows("with 'IDLE'", "q quit", "grow.py:6 idle"))
    assert not s.shows("grow.py:4")
    s.press("\x1b")
    wait_for(lambda: not s.shows("with 'IDLE'"))
    first = s.lines[5]
    s.press("\x1b[B")
    wait_for(lambda: s.lines[5] not in ("", first))
    s.press("\x1b[H")
    wait_for(lambda: s.lines[5] == first)
    s.press("\x1b[6~")
    wait_for(lambda: s.lines[5] not in ("", first))
    s.press("--")
    wait_for(lambda: s.shows("every 0.2 s"))
    s.press("+")
    wait_for(lambda: s.shows("every 0.5 s"))


def test_rates_rise_while_the_program_works(tmp_path: Path, screen: Any) -> None:
    script = tmp_path / "grow.py"
    script.write_text(GROW)
    book = tmp_path / "g.book"
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "memline",
            "run",
            "--no-report",
            "-o",
            str(book),
            str(script),
            "100000",
        ],
        env={**clean_environment(), "MEMLINE_CONFIG": ""},
    )
    try:
        wait_for(lambda: book.exists() and book.stat().st_size > 4096)
        s = screen(book, "-i", "0.3")
        wait_for(lambda: s.shows("RSS/s", "MiB/s") or s.shows("Held/s", "MiB/s"))
        worker.kill()
        worker.wait()
        wait_for(lambda: s.shows("killed", "grow.py:4 grow"))  # and stays until q
        s.press("q")
        wait_for(s.ended)
    finally:
        worker.kill()
        worker.wait()


def test_a_program_that_ends_in_order(target: Target, screen: Any) -> None:
    s = screen(target.process.pid, "-i", "0.2", width=250)
    wait_for(lambda: s.shows("running"))
    target.finish()
    wait_for(lambda: s.shows("ended", "grow.py:4 grow"))
    os.unlink(target.book)
    wait_for(lambda: s.shows("no such file", "grow.py:4 grow"))
    s.press("q")
    wait_for(s.ended)


def test_the_screen_changes_its_size(target: Target, screen: Any) -> None:
    s = screen(target.book, "-i", "3600", width=100, height=20)
    wait_for(lambda: s.shows("q quit"))
    s.resize(60, 9)
    wait_for(lambda: s.lines[8].startswith("q quit") and s.lines[0].endswith("running"))
    s.resize(120, 30)
    wait_for(lambda: s.lines[29].startswith("q quit") and s.lines[0].endswith("running"))
    assert len(s.lines[0]) == 120


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV])
def test_signals_give_the_terminal_back(target: Target, screen: Any, number: int) -> None:
    s = screen(target.book, "-i", "3600")
    wait_for(lambda: s.shows("q quit"))
    os.kill(s.pid, number)
    wait_for(s.ended)
    assert os.WIFSIGNALED(s.status) and os.WTERMSIG(s.status) == number
    assert s.raw.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l")


def test_control_c_and_control_z(target: Target, screen: Any) -> None:
    s = screen(target.book, "-i", "3600")
    wait_for(lambda: s.shows("q quit"))
    # A shell would have job control; here the stop is seen by its parent, us.
    os.kill(s.pid, signal.SIGTSTP)

    def stopped() -> bool:
        s.pump()
        pid, status = os.waitpid(s.pid, os.WNOHANG | os.WUNTRACED)
        return pid != 0 and os.WIFSTOPPED(status)

    # A session leader whose group is orphaned does not stop at SIGTSTP: then it goes on at once.
    end = time.monotonic() + 2
    while time.monotonic() < end and not stopped():
        time.sleep(0.02)
    s.pump()
    assert b"\x1b[?1049l" in s.raw
    os.kill(s.pid, signal.SIGCONT)
    wait_for(lambda: (s.pump(), s.raw.count(b"\x1b[?1049h"))[1] == 2 and s.shows("q quit"))
    s.press("\x03")
    wait_for(s.ended)
    assert os.WTERMSIG(s.status) == signal.SIGINT


def test_the_terminal_goes_away(target: Target, program: str) -> None:
    s = Screen(program, [str(target.book)])
    wait_for(lambda: s.shows("q quit"))
    os.close(s.fd)
    wait_for(lambda: os.waitpid(s.pid, os.WNOHANG)[0] != 0)


def test_in_a_pipe_it_is_one_plain_look(target: Target, run: Any, program: str) -> None:
    out = run([program, "top", target.book]).stdout
    assert "\x1b" not in out
    assert out.splitlines()[0].endswith("running")
    assert "grow.py:4 grow" in out
    few = run([program, "top", "--once", "-n", "2", "--sort", "hits", target.process.pid]).stdout
    assert few.splitlines()[-1].endswith(" more") and "by hits" in few
    only = run([program, "top", "--filter", "idle", target.book]).stdout
    assert "grow.py:6 idle" in only and "grow.py:4" not in only


def test_json(target: Target, run: Any, program: str) -> None:
    seen = json.loads(run([program, "top", "--json", target.process.pid]).stdout)
    assert seen["format"] == "memline-top" and seen["version"] == 1
    assert seen["pid"] == target.process.pid and seen["state"] == "running"
    assert seen["rss_bytes"] > 1 << 20 and seen["elapsed_ns"] > 0
    line = next(row for row in seen["lines"] if row["line"] == 4 and row["function"] == "grow")
    assert line["hits"] == 5 and line["source"].strip() == "kept.append(bytearray(n))"
    target.process.kill()
    target.process.wait()
    seen = json.loads(run([program, "top", "--json", target.book]).stdout)
    assert seen["state"] == "killed"


def test_what_cannot_be_shown(run: Any, program: str, tmp_path: Path) -> None:
    shelf = {"MEMLINE_BOOKS": str(tmp_path / "none")}
    mine = run([program, "top", os.getpid()], status=1, env=shelf)
    assert f"process {os.getpid()} has no account book: memline does not profile it" in mine.stderr
    gone = run([program, "top", 2**31 - 2], status=1, env=shelf)
    assert "no process 2147483646, and no book of it" in gone.stderr
    assert "no such file" in run([program, "top", "x.book"], status=1).stderr
    assert "no book in" in run([program, "top"], status=1, env=shelf).stderr
    (tmp_path / "x.book").write_text("no book")
    assert "is not a memline book" in run([program, "top", "x.book"], status=1).stderr
    for wrong in (["-i", "0"], ["-i", "x"], ["-n", "0"], ["--sort", "size"], ["a", "b"]):
        assert "memline top --help" in run([program, "top", *wrong], status=2).stderr

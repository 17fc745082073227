"""Books in places that are full, small, or taken away: the program runs on and ends as without us."""

import os
import subprocess
from pathlib import Path

import pytest

PROGRAM = """
def work(n):
    kept = []
    for i in range(n):
        kept.append(bytes(100))
    return len(kept)

def many():
    total = 0
    for i in range(2000):
        space = {}
        exec(compile(f"def f(x):\\n" + "    x += 1\\n" * 60 + "    return x\\n", f"<f{i}>", "exec"), space)
        total += space["f"](i)
    return total

print(work(1000), many(), flush=True)
"""
ANSWER = "1000 2119000\n"


@pytest.fixture
def small_disk(tmp_path):
    """small_disk(kib): a file system of that size, or a skip where mounting is not allowed."""
    places = []

    def mount(kib: int) -> Path:
        place = tmp_path / f"disk-{kib}"
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", str(place)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=20)
        except OSError as error:
            pytest.skip(f"cannot mount: {error}")
        if done.returncode != 0:
            pytest.skip(f"cannot mount: {done.stderr.strip()}")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("kib", [0, 4, 64, 1024])
def test_a_disk_that_fills_up(run, python, program, small_disk, kib):
    """Too small to begin: told, exit 1. Full on the way: the program ends well, the loss is told."""
    disk = small_disk(max(kib, 4))
    if kib == 0:
        (disk / "filler").write_bytes(b"x" * 4096)
    words = [python, "-m", "memline", "run", "-o", disk / "run.book", "--include", "<f*", program]
    done = run(words, status=None)
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        assert done.stdout == ANSWER
        assert kib >= 64
        if kib == 64:
            assert "no room" in done.stderr or "lost" in done.stderr, done.stderr[-500:]
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"memline: cannot write book '{disk}/run.book': ") or (
            f"'{disk}/run.book'" in done.stderr
        )
        assert "\n  try: " in done.stderr


def test_a_limit_on_the_size_of_files(run, python, program, tmp_path):
    """RLIMIT_FSIZE: the kernel refuses to grow the book."""
    book = tmp_path / "run.book"
    words = ["bash", "-c", 'ulimit -f 64; exec "$@"', "bash", python, "-m", "memline", "run"]
    done = run([*words, "-o", book, "--include", "<f*", program], status=None)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done
    assert done.stdout == (ANSWER if done.returncode == 0 else "")
    if done.returncode == 0:
        assert book.stat().st_size <= 64 * 1024


def test_a_book_removed_meanwhile(run, python, tmp_path):
    """Its mapping stays; the report says that the file is gone."""
    path = tmp_path / "program.py"
    path.write_text("import os\nos.remove('run.book')\nprint(sum(range(10)), flush=True)\n")
    done = run([python, "-m", "memline", "run", "-o", "run.book", path], status=None)
    assert (done.returncode, done.stdout) == (0, "45\n")
    assert "Traceback" not in done.stderr
    assert "run.book" in done.stderr


def test_a_folder_for_books_that_cannot_be_made(run, python, program):
    """Books then go to the folder for temporary files."""
    env = {"MEMLINE_BOOKS": "/proc/nowhere", "TMPDIR": str(program.parent)}
    done = run([python, "-m", "memline", "run", program], env=env)
    assert done.stdout == ANSWER
    assert f"saved in {program.parent}" in done.stderr
    assert [p for p in os.listdir(program.parent) if p.endswith(".book")]


@pytest.mark.parametrize(
    "words", [["-o", ""], ["-o", "."], ["-o", "no/such/folder/x"], ["-o", "a\nb/c"]]
)
def test_a_place_that_is_no_place(run, python, program, words):
    done = run([python, "-m", "memline", "run", *words, program], status=None)
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        assert done.stdout == ANSWER
    else:
        assert done.returncode in (1, 2)
        assert done.stdout == ""
        assert done.stderr.startswith("memline: ")
        assert "  try: " in done.stderr

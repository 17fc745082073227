"""Programs that ask much of a profiler: what they print and how they end is the same under each front.

Each is written once and started four ways: plain; under `memline run`; with every function decorated
by memline.profile; with every function decorated by memory_profiler's profile. A program calls the
function `check` with what it found out; plain Python says what is right.
"""

import sys
from pathlib import Path

import pytest

# `decorate` leaves functions alone, or profiles them.
PROGRAMS = {
    "recursion to the limit": """
        @decorate
        def down(n):
            return 1 + down(n + 1) if n >= 0 else 0
        def depth(n=0):
            try:
                return depth(n + 1)
            except RecursionError:
                return n
        for _ in range(3):
            try:
                down(0)
                check("no end")
            except RecursionError as error:
                check(type(error).__name__)
        check(len(str(depth())) > 1)
    """,
    "200 threads": """
        import threading
        @decorate
        def work(number):
            kept = []
            for i in range(50):
                kept.append(bytes(i))
            barrier.wait()
            results[number] = len(kept) + number
        results, barrier = {}, threading.Barrier(200)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(200)]
        for t in threads: t.start()
        for t in threads: t.join()
        check(sum(results.values()))
    """,
    "threads that come and go": """
        import threading
        @decorate
        def work(number):
            return [number] * 10
        total = 0
        for i in range(300):
            t = threading.Thread(target=work, args=(i,))
            t.start(); t.join()
        check(threading.active_count())
    """,
    "10,000 functions": """
        functions = []
        for i in range(10_000):
            space = {}
            exec(f"def f{i}(x):\\n    y = x + {i}\\n    return y\\n", space)
            functions.append(decorate(space[f"f{i}"]) if i % 10 == 0 else space[f"f{i}"])
        check(sum(f(1) for f in functions))
    """,
    # Most of it is jumped over: on 3.12 the interpreter itself needs time in proportion to the line's
    # number for each line event of such a function, whoever listens.
    "a function of 100,000 lines": """
        text = "def long(x):\\n    if x < 0:\\n" + "        x = x + 1\\n" * 99_950
        text += "    x = x + 1\\n" * 50 + "    return x\\n"
        with open("long_function.py", "w") as f:
            f.write(text)
        import long_function
        check(decorate(long_function.long)(0))
    """,
    "the source goes away": """
        import os
        with open("gone.py", "w") as f:
            f.write("def f(x):\\n    y = x * 2\\n    return y\\n")
        import gone
        os.remove("gone.py")
        check(decorate(gone.f)(21))
    """,
    "no source at all": """
        space = {}
        exec("def f(x):\\n    y = x * 2\\n    return y\\n", space)
        check(decorate(space["f"])(21))
        check(eval("(lambda x: [x + i for i in range(3)])(1)"))
    """,
    "source in latin-1": """
        with open("latin.py", "wb") as f:
            f.write("# coding: latin-1\\ndef f():\\n    return 'caf\\xe9'\\n".encode("latin-1"))
        import latin
        check(ascii(decorate(latin.f)()))
    """,
    "line numbers of nowhere": """
        code = compile("def f(x):\\n    y = x\\n    return y\\n", "<nowhere>", "exec")
        space = {}
        exec(code, space)
        f = space["f"]
        f.__code__ = f.__code__.replace(co_firstlineno=2**31 - 10)
        check(decorate(f)(3))
        import ast
        tree = ast.parse("def g(x):\\n    y = x\\n    return y\\n")
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                node.lineno = node.end_lineno = 1 if node.lineno == 3 else 900_000
        exec(compile(tree, "<odd>", "exec"), space)
        check(decorate(space["g"])(4))
    """,
    "memory runs out": """
        import resource
        @decorate
        def much():
            try:
                return len(bytearray(1 << 34))
            except MemoryError:
                return "MemoryError"
        now = int(open("/proc/self/statm").read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (now + (256 << 20), resource.RLIM_INFINITY))
        check(much())
    """,
    "descriptors run out": """
        import os, resource
        @decorate
        def files():
            found = []
            try:
                while True:
                    found.append(os.open("/dev/null", os.O_RDONLY))
            except OSError as error:
                return type(error).__name__
            finally:
                for fd in found: os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        check(files())
    """,
    "all descriptors are closed": """
        import os
        @decorate
        def daemon():
            os.closerange(3, 1024)
            kept = [bytes(100_000) for _ in range(20)]
            return len(kept)
        check(daemon())
        check(daemon())
    """,
    "exceptions everywhere": """
        @decorate
        def generator():
            try:
                yield 1
                raise LookupError("inside")
            finally:
                check("finally")
        @decorate
        def outer():
            try:
                for x in generator():
                    check(x)
            except LookupError as error:
                raise ValueError("outer") from error
        try:
            outer()
        except ValueError as error:
            check(repr(error), repr(error.__cause__))
        g = generator(); next(g)
        try:
            g.throw(KeyError("thrown"))
        except KeyError as error:
            check(repr(error))
    """,
    "a destructor runs profiled code": """
        class Node:
            @decorate
            def __del__(self):
                seen.append(len(seen))
        seen = []
        for i in range(1000):
            a, b = Node(), Node()
            a.other, b.other = b, a
        import gc
        gc.collect()
        check(len(seen))
    """,
    "signals interrupt a line": """
        import signal, time
        @decorate
        def handler(number, frame):
            hits.append(frame.f_code.co_name)
        @decorate
        def loop():
            end = time.monotonic() + 20
            while len(hits) < 20 and time.monotonic() < end:
                x = sum(range(100))
        hits = []
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        loop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        check(len(hits) >= 20)
    """,
    "the program ends inside": """
        import sys
        @decorate
        def leave():
            sys.exit(7)
        check("before")
        leave()
    """,
    "an error ends it": """
        @decorate
        def fail(x):
            return 1 / x
        check("before")
        fail(0)
    """,
    "the process ends at once": """
        import os, sys
        @decorate
        def leave():
            sys.stdout.flush()
            os._exit(9)
        check("before")
        leave()
    """,
    "fork, and both go on": """
        import os, sys
        @decorate
        def work(n):
            return sum([i for i in range(n)])
        check(work(10))
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = 0 if work(100) == 4950 else 1
            os._exit(status)
        check(os.waitpid(pid, 0)[1])
        check(work(1000))
    """,
}

FRONTS = {
    "memline.profile": "from memline import profile as decorate\n",
    "memory_profiler": (
        "import memory_profiler\n"
        "class Sink:\n"
        "    def write(self, text): pass\n"
        "    def flush(self): pass\n"
        "def decorate(f): return memory_profiler.profile(f, stream=Sink())\n"
    ),
}
PLAIN = "def decorate(f): return f\n"
CHECK = "def check(*found): print(*found, flush=True)\n"


def write(folder: Path, front: str, program: str) -> Path:
    """The program as a file; its first line number does not depend on the front."""
    lines = program.strip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    head = front + CHECK
    head += "\n" * (12 - head.count("\n"))
    path = folder / "program.py"
    path.write_text(head + "\n".join(x[indent:] for x in lines) + "\n", encoding="utf-8")
    return path


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_the_same_under_every_front(run, python, tmp_path, name):
    env = {"MEMLINE_BOOKS": str(tmp_path / "books"), "MEMLINE_CONFIG": ""}
    plain = run([python, write(tmp_path, PLAIN, PROGRAMS[name])], status=None)
    assert plain.stdout

    under = run(
        [python, "-m", "memline", "run", "--no-report", tmp_path / "program.py"],
        status=plain.returncode, env=env, timeout=120,
    )  # fmt: skip
    assert under.stdout == plain.stdout
    assert under.stderr == plain.stderr

    for front, text in FRONTS.items():
        path = write(tmp_path, text, PROGRAMS[name])
        done = run([python, path], status=plain.returncode, env=env, timeout=120)
        assert done.stdout == plain.stdout, front
        if "Traceback" in plain.stderr:
            assert last_line(plain.stderr) in done.stderr, front
        else:
            assert "Traceback" not in done.stderr, front
            assert "Exception ignored" not in done.stderr, front


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with 3.12")
@pytest.mark.parametrize("taken", [1, 6])
def test_tool_ids_taken_by_others(run, python, tmp_path, taken):
    """Another tool has the profilers' id: we take a free one. All taken: a clear error, no crash."""
    program = f"""
        import sys
        for number in range({taken}):
            sys.monitoring.use_tool_id((2 + number) % 6, "other")
        def f():
            x = 1
            return x
        import memline
        try:
            f = memline.profile(f)
            print(f(), {taken})
        except RuntimeError as error:
            print("RuntimeError:", error)
            print(f(), {taken})
    """
    path = write(tmp_path, PLAIN, program)
    done = run([python, path], env={"MEMLINE_BOOKS": str(tmp_path / "books")})
    assert done.stdout.splitlines()[-1] == f"1 {taken}"
    assert "Traceback" not in done.stderr
    if taken == 6:
        assert "tool" in done.stdout + done.stderr
    else:
        assert "x = 1" in done.stderr

"""Other tools see what they would see without us (compat specification, 3 and 7)."""

import gc
import sys

import pytest


def test_coverage_sees_the_same_lines(python, script, tmp_path):
    pytest.importorskip("coverage")
    body = """
        import sys
        sys.path.insert(0, {stub!r})
        from choice import profile

        @profile
        def work(n):
            total = 0
            for i in range(n):
                if i == 3:
                    total += 1
                else:
                    total += 2
            return total

        @profile
        def steps():
            yield work(2)
            yield 3

        assert work(5) == 9
        assert list(steps()) == [4, 3]
        """
    (tmp_path / "choice.py").write_text(
        "import os\n"
        "if os.environ.get('WITH'):\n"
        "    from memory_profiler import profile\n"
        "else:\n"
        "    def profile(function):\n"
        "        return function\n"
    )
    path = script(body.format(stub=str(tmp_path)))
    seen = []
    for env in ({}, {"WITH": "1"}):
        data = str(tmp_path / f"coverage{len(seen)}")
        env["COVERAGE_FILE"] = data
        done = python("-m", "coverage", "run", "--include", path, path, env=env)
        assert done.returncode == 0, done.stderr
        done = python("-m", "coverage", "json", "-o", data + ".json", env=env)
        assert done.returncode == 0, done.stderr + done.stdout
        import json

        (file,) = json.load(open(data + ".json"))["files"].values()
        seen.append(file["executed_lines"])
    assert seen[0] == seen[1]
    assert len(seen[0]) >= 14


def test_breakpoint_inside_a_profiled_function_is_hit(python, script):
    path = script(
        """
        from memory_profiler import profile

        @profile
        def work(n):
            a = n
            b = a + 1
            return b

        print("result", work(1))
        """
    )
    done = python("-m", "pdb", path, input=f"b {path}:7\nc\np a, n\nn\np b\nc\nq\n")
    assert "(Pdb) (1, 1)" in done.stdout, done.stdout + done.stderr
    assert "(Pdb) 2" in done.stdout
    assert "result 2" in done.stdout
    assert "Filename: " in done.stdout


def test_breakpoint_call_inside_a_profiled_function(python, script):
    path = script(
        """
        from memory_profiler import profile

        @profile
        def work(n):
            a = n
            breakpoint()
            b = a + 1
            return b

        print("result", work(1))
        """
    )
    done = python(path, input="p a\nn\np b\nc\n")
    assert "(Pdb) 1" in done.stdout, done.stdout + done.stderr
    assert "(Pdb) 2" in done.stdout
    assert "result 2" in done.stdout
    assert "Filename: " in done.stdout


def test_a_tracer_in_python_sees_every_line(mp, out):
    seen = []

    def work(n):
        a = n
        b = a + 1
        return b

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "work":
            seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
            return tracer
        return None

    def traced(function):
        del seen[:]
        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            function(1)
            assert sys.gettrace() is tracer
        finally:
            sys.settrace(before)
        return list(seen)

    plain = traced(work)
    assert traced(mp.profile(work, out)) == plain
    assert out.rows()["b = a + 1"].occurrences == 1


def test_other_tools_keep_their_monitoring(mp, out):
    if sys.version_info < (3, 12):
        pytest.skip("sys.monitoring is from 3.12")
    monitoring = sys.monitoring
    lines = []
    tool = next(i for i in range(6) if monitoring.get_tool(i) is None)
    monitoring.use_tool_id(tool, "other")
    try:
        monitoring.register_callback(
            tool, monitoring.events.LINE, lambda code, line: lines.append(line)
        )

        @mp.profile(stream=out)
        def work():
            a = 1
            return a

        monitoring.set_local_events(tool, work.__code__, monitoring.events.LINE)
        work()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    assert len(lines) == 2
    assert out.count() == 1


def test_profiled_functions_can_be_collected(mp, out):
    import weakref

    function = mp.profile(lambda: 1, out)
    function()
    gone = weakref.ref(function)
    del function
    gc.collect()
    assert gone() is None


def test_profilers_can_be_collected(mp):
    import weakref

    profiler = mp.LineProfiler()
    function = profiler(lambda: 1)
    function()
    gone = weakref.ref(profiler)
    del profiler
    gc.collect()
    assert gone() is None
    assert function() == 1

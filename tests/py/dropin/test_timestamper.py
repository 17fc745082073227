"""TimeStamper and --timestamp (compat specification, 1.1, 1.4, 1.6 and 3)."""

import asyncio
import inspect
import io
import time

import pytest


@pytest.fixture
def stamper(mp):
    return mp.TimeStamper("psutil")


def spans(text):
    """{name: [(seconds, level)]} of FUNC records."""
    found = {}
    for line in text.splitlines():
        if line.startswith("FUNC "):
            _, name, mib_a, start, mib_b, end, level = line.split()
            assert float(mib_a) > 1
            assert float(mib_b) > 1
            found.setdefault(name, []).append((float(end) - float(start), int(level)))
    return found


def test_attributes(mp):
    stamper = mp.TimeStamper("psutil", include_children=True)
    assert (stamper.functions, stamper.stack, stamper.current_stack_level) == ({}, {}, -1)
    assert (stamper.backend, stamper.include_children) == ("psutil", True)


def test_functions_and_levels(stamper):
    @stamper
    def inner():
        time.sleep(0.01)

    @stamper(precision=4)
    def outer():
        inner()
        return inner()

    assert outer() is None
    assert stamper.current_stack_level == -1
    (inner_spans, outer_spans) = stamper.functions.values()
    assert (len(inner_spans), len(outer_spans)) == (2, 1)
    assert list(stamper.stack.values()) == [[1, 1], [0]]
    (start, end) = outer_spans[0]
    assert end[1] - start[1] >= 0.02
    assert all(type(part) is float for part in start)
    out = io.StringIO()
    stamper.show_results(out)
    found = spans(out.getvalue())
    assert [level for _, level in found[__name__ + ".inner"]] == [1, 1]
    assert [level for _, level in found[__name__ + ".outer"]] == [0]


def test_exception_leaves_the_level_as_it_was(stamper):
    @stamper
    def fails():
        raise KeyError(1)

    with pytest.raises(KeyError):
        fails()
    assert stamper.current_stack_level == -1
    assert len(next(iter(stamper.functions.values()))[0]) == 2


def test_async_and_generators_have_real_spans(stamper):
    @stamper
    async def waits():
        await asyncio.sleep(0.05)
        return 5

    @stamper
    def steps():
        got = yield 1
        time.sleep(0.05)
        return got

    @stamper
    async def async_steps():
        yield 1
        await asyncio.sleep(0.05)
        yield 2

    async def collect():
        return [i async for i in async_steps()]

    assert asyncio.run(waits()) == 5
    running = steps()
    next(running)
    with pytest.raises(StopIteration) as stop:
        running.send(7)
    assert stop.value.value == 7
    assert asyncio.run(collect()) == [1, 2]
    for (times,) in stamper.functions.values():
        assert times[1][1] - times[0][1] >= 0.045
    assert inspect.iscoroutinefunction(waits)
    assert inspect.isgeneratorfunction(steps)
    assert inspect.isasyncgenfunction(async_steps)
    assert stamper.current_stack_level == -1


def test_async_generator_protocol(stamper):
    @stamper
    async def work():
        try:
            got = yield 1
            yield got
        except KeyError:
            yield "caught"

    async def main():
        steps = work()
        assert await steps.__anext__() == 1
        assert await steps.asend("x") == "x"
        assert await steps.athrow(KeyError()) == "caught"
        await steps.aclose()
        with pytest.raises(StopAsyncIteration):
            await steps.__anext__()

    asyncio.run(main())
    assert stamper.current_stack_level == -1


def test_blocks(stamper):
    with stamper.timestamp("load data"), stamper.timestamp():
        pass
    with stamper:
        stamper.enable_by_count()
        stamper.disable_by_count()
    out = io.StringIO()
    stamper.show_results(out)
    found = spans(out.getvalue())
    assert [level for _, level in found[".load_data"]] == [0]
    assert [level for _, level in found[".<block>"]] == [1, 0]


def test_call_on_stack(stamper):
    def function(a, b):
        return a + b, stamper.current_stack_level

    stamper.add_function(function)
    with stamper.call_on_stack(function, 1, b=2) as result:
        assert result == (3, 0)
    with pytest.raises(TypeError), stamper.call_on_stack(function):
        pass
    assert stamper.current_stack_level == -1
    assert stamper.stack[function] == [0, 0]


def test_a_call_that_has_not_ended_is_shown(stamper):
    block = stamper.timestamp("open")
    block.__enter__()
    out = io.StringIO()
    stamper.show_results(out)
    assert list(spans(out.getvalue())) == [".open"]


def test_decoration(stamper):
    with pytest.raises(ValueError, match="Value must be callable"):
        stamper(5)

    def documented(a: int) -> str:
        """doc"""
        return str(a)

    first, second = stamper(documented), stamper(documented)
    assert stamper(first) is first
    assert (first(1), second(2), first.__doc__, first.__name__) == ("1", "2", "doc", "documented")
    assert inspect.signature(first) == inspect.signature(documented)
    assert len(stamper.functions[documented]) == 2

    @stamper
    class C:
        @property
        def x(self):
            return 1

    assert C().x == 1
    assert len(stamper.functions) == 2


def check_spans(text, module="__main__"):
    found = spans(text)
    assert 0.09 <= found[module + ".plain"][0][0] < 2
    assert found[module + ".inner"][0][1] == 1
    assert found[module + ".fails"][0][1] == 0
    assert found[module + ".waits"][0][0] >= 0.2
    assert found[module + ".steps"][0][0] >= 0.1
    assert found[".load_data"][0][0] >= 0.045
    assert len(found[".<block>"]) == 2
    assert all(level == 0 for name in found for _, level in found[name] if "inner" not in name)


def test_command_prints_records_at_exit(profiled, scripts):
    done = profiled("--timestamp", scripts / "spans.py")
    assert done.returncode == 0, done.stderr
    check_spans(done.stdout)


def test_command_appends_records_to_a_file(profiled, scripts, tmp_path):
    path = tmp_path / "mprofile.dat"
    path.write_text("CMDLINE x\n")
    done = profiled("--timestamp", "-o", path, scripts / "spans.py")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    text = path.read_text()
    assert text.startswith("CMDLINE x\nFUNC ")
    check_spans(text)
    assert text.count("FUNC ") == 8


def test_records_outlive_a_killed_program(profiled, scripts, tmp_path):
    path = tmp_path / "mprofile.dat"
    profiled("--timestamp", "-o", path, scripts / "spans.py", "kill")
    check_spans(path.read_text())


def test_script_that_imports_profile_is_noted_too(mp, profiled, scripts, tmp_path):
    path = tmp_path / "mprofile.dat"
    done = profiled("--timestamp", "-o", path, scripts / "imports_profile.py")
    assert done.returncode == 0, done.stderr
    found = spans(path.read_text())
    assert found["__main__.work"][0][0] >= 0.045
    assert found["__main__.waits"][0][0] >= 0.2
    assert len(mp.read_report(done.stdout)) == 2  # its own reports stay


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_records_come_from_child_processes(profiled, scripts, tmp_path, method):
    path = tmp_path / "mprofile.dat"
    done = profiled("--timestamp", "-o", path, scripts / "pooled.py", method)
    assert done.returncode == 0, done.stderr
    found = spans(path.read_text())
    # The main module has another name in processes that had to import it.
    decorated = [len(found.get(m + ".decorated", [])) for m in ("__main__", "__mp_main__")]
    assert decorated == ([6, 0] if method == "fork" else [1, 5])
    assert sum(len(times) for name, times in found.items() if name.endswith("__call__")) == 2

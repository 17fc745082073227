"""CodeMap: a real dict of figures (compat specification, 1.2)."""

import types

import pytest


def sample():
    total = 0
    for i in range(3):
        total += i

    def inner(x):
        return [y for y in range(x)]

    return inner(total)


def outside():
    pass


@pytest.fixture
def codes(mp):
    return mp.CodeMap(include_children=False, backend="psutil")


def nested(code):
    return [c for c in code.co_consts if isinstance(c, types.CodeType)]


def test_it_is_a_dict(codes):
    assert isinstance(codes, dict)
    assert codes == {}
    assert (codes.include_children, codes.backend) == (False, "psutil")


def test_nested_code_shares_the_inner_dict(codes):
    codes.add(sample.__code__)
    (inner,) = nested(sample.__code__)
    assert list(codes.keys())[:2] == [sample.__code__, inner]
    assert codes[inner] is codes[sample.__code__]
    assert all(value is codes[inner] for value in codes.values())


def test_add_is_idempotent(codes):
    codes.add(sample.__code__)
    codes[sample.__code__][1] = (1.0, 2.0, 3)
    codes.add(sample.__code__)
    assert codes[sample.__code__] == {1: (1.0, 2.0, 3)}
    assert len(codes._toplevel) == 1


def test_toplevel_holds_file_code_and_lines(codes):
    codes.add(sample.__code__)
    codes.add(outside.__code__)
    (filename, code, lines), (_, second, _) = codes._toplevel
    first = sample.__code__.co_firstlineno
    assert (filename, code, lines) == (__file__, sample.__code__, range(first, first + 9))
    assert second is outside.__code__


def test_items_tells_measured_functions_line_by_line(codes):
    codes.add(sample.__code__)
    codes.add(outside.__code__)
    first = sample.__code__.co_firstlineno
    codes[sample.__code__][first + 1] = (1.0, 2.0, 3)
    ((filename, lines),) = codes.items()
    assert filename == __file__
    rows = list(lines)
    assert rows[:3] == [(first, None), (first + 1, (1.0, 2.0, 3)), (first + 2, None)]
    assert len(rows) == 9


def twins(tmp_path):
    """The same function from the same line of two files: equal code objects before 3.x and now."""
    made = []
    for name in ("tw_a.py", "tw_b.py"):
        path = tmp_path / name
        path.write_text("def same():\n    return 1\n")
        namespace = {}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        made.append(namespace["same"])
    return made


def test_equal_code_of_two_files_is_kept_apart(codes, tmp_path):
    a, b = twins(tmp_path)
    assert a.__code__ == b.__code__
    codes.add(a.__code__)
    codes.add(b.__code__)
    codes[a.__code__][2] = (1.0, 1.0, 1)
    codes[b.__code__][2] = (2.0, 2.0, 2)
    assert len(codes) == 2
    assert [(name, list(lines)[1][1][2]) for name, lines in codes.items()] == [
        (str(tmp_path / "tw_a.py"), 1),
        (str(tmp_path / "tw_b.py"), 2),
    ]
    assert codes.get(b.__code__)[2] == (2.0, 2.0, 2)
    assert codes.get(sample.__code__) is None


def test_trace_books_by_the_rule(mp, codes, monkeypatch):
    readings = iter([10.0, 15.0, 12.0, 20.0, 20.0, 24.0])
    monkeypatch.setattr("memline.dropin._codemap._get_memory", lambda *a, **k: next(readings))
    code = sample.__code__
    first = code.co_firstlineno
    codes.add(code)
    codes.trace(code, first, None)  # the baseline: memory at entry
    codes.trace(code, first + 1, first)
    codes.trace(code, first + 2, first + 1)
    codes.trace(code, first, first + 2)  # called again: the baseline is not summed
    codes.trace(code, first + 1, first)
    codes.trace(code, first + 2, None)
    assert codes[code] == {
        first: (10.0, 20.0, 2),
        first + 1: (5.0 + 0.0, 20.0, 2),
        first + 2: (-3.0 + 4.0, 24.0, 2),
    }
    assert list(codes[code]) == [first, first + 1, first + 2]


def test_code_without_any_source_is_measured_all_the_same(mp, codes, capsys):
    namespace = {}
    exec("def f():\n    return 1\n", namespace)
    codes.add(namespace["f"].__code__)
    assert capsys.readouterr().out == "ERROR: Could not find file <string>\n"
    codes[namespace["f"].__code__][2] = (0.0, 1.0, 1)
    ((filename, lines),) = codes.items()
    assert (filename, list(lines)) == ("<string>", [(1, None), (2, (0.0, 1.0, 1))])


def test_note_for_old_notebook_names(codes, capsys):
    namespace = {}
    exec(compile("def f():\n    pass\n", "<ipython-input-1-abc>", "exec"), namespace)
    codes.add(namespace["f"].__code__)
    assert "NOTE: %mprun can only be used on functions defined in" in capsys.readouterr().out


def test_pyc_names_lose_their_last_letter(codes, tmp_path):
    (tmp_path / "m.py").write_text("def f():\n    return 1\n")
    namespace = {}
    exec(compile("def f():\n    return 1\n", str(tmp_path / "m.pyc"), "exec"), namespace)
    codes.add(namespace["f"].__code__)
    assert codes._toplevel[0][0] == str(tmp_path / "m.py")

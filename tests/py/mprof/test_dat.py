"""Reading mprof's files, also those that something happened to."""

import random

import pytest
from memline.dropin import mprof


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "some.dat"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return mprof.read_mprofile_file(str(path))

    return read


def test_everything(read, sample_text, tmp_path):
    prof = read(sample_text)
    assert prof == {
        "mem_usage": [10.0, 42.5, 126.328125, 11.0],
        "timestamp": [1000.0, 1000.3, 1000.5, 1000.8],
        "func_timestamp": {
            "__main__.load": [[1000.2, 1000.6, 10.0, 70.0, 1]],
            "__main__.main": [[1000.1, 1000.7, 10.0, 10.0, 0]],
            "package.tools.load": [[1000.61, 1000.62, 10.0, 11.0, 0]],
        },
        "children": {
            "77": [(70.882812, 1000.5), (12.0, 1000.6)],
            "78": [(3.0, 1000.6)],
        },
        "filename": str(tmp_path / "some.dat"),
        "cmd_line": "python script.py 'a b'\n",
    }


def test_no_command(read):
    assert read("MEM 1.0 2.0\n")["cmd_line"] is None


@pytest.mark.parametrize(
    ("record", "name", "fields"),
    [
        ("FUNC m.f 1.0 2.0 3.0 4.0", "m.f", [2.0, 4.0, 1.0, 3.0]),
        ("FUNC m.f 1.0 2.0 3.0 4.0 5", "m.f", [2.0, 4.0, 1.0, 3.0, 5]),
        ("FUNC m.f 1.0 2.0 3.0 4.0 -1", "m.f", [2.0, 4.0, 1.0, 3.0, -1]),
        ("FUNC .load data 1.0 2.0 3.0 4.0 0", ".load data", [2.0, 4.0, 1.0, 3.0, 0]),
        ("FUNC .load data 1.0 2.0 3.0 4.0", ".load data", [2.0, 4.0, 1.0, 3.0]),
    ],
)
def test_function_records(read, record, name, fields):
    assert read(record + "\n")["func_timestamp"] == {name: [fields]}


DAMAGED = [
    "MEM 1.0 2",  # cut: no end of line
    "MEM\n",
    "MEM 1.0\n",
    "MEM one 2.0\n",
    "MEM nan 2.0\n",
    "MEM 1.0 inf\n",
    "MEM 1.0 2.0 3.0\n",
    "CHLD 5\n",
    "CHLD\n",
    "FUNC m.f 1.0 2.0\n",
    "FUNC 1.0 2.0 3.0 4.0\n",
    "\n",
    "   \n",
    "garbage\n",
    b"MEM \xff\xfe 1.0\n",
    b"\0\0\0\0\n",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_records_are_skipped(read, text, capsys):
    text = text if isinstance(text, bytes) else text.encode()
    prof = read(b"MEM 5.0 6.0\n" + text)
    assert prof["mem_usage"] == [5.0]
    assert prof["children"] == prof["func_timestamp"] == {}
    assert "skipped 1 damaged record of '" in capsys.readouterr().err


def test_unknown_records_are_skipped_silently(read, capsys):
    assert read("GPU 1 2 3\nMEM 5.0 6.0\nNEW x\n")["mem_usage"] == [5.0]
    assert capsys.readouterr().err == ""


def test_warning_is_one(read, capsys):
    read("MEM\n" * 1000)
    assert "skipped 1000 damaged records" in capsys.readouterr().err


def test_any_bytes(read):
    rng = random.Random(20261122)
    words = [b"MEM ", b"CHLD ", b"FUNC ", b"CMDLINE ", b"1.5 ", b"7", b"\n", b" ", b"\xff", b"m.f "]
    for _ in range(200):
        prof = read(b"".join(rng.choices(words, k=rng.randrange(40))))
        assert len(prof["mem_usage"]) == len(prof["timestamp"])


def test_missing_file():
    with pytest.raises(FileNotFoundError):
        mprof.read_mprofile_file("/nowhere/x.dat")


@pytest.mark.parametrize(
    ("function", "samples"),
    [
        (None, [10.0, 42.5, 126.328125, 11.0]),
        ("__main__.main", [42.5, 126.328125]),
        ("package.tools.load", [10.0, 11.0]),  # shorter than a sample: its ends
    ],
)
def test_filter(read, sample_text, function, samples):
    assert mprof.filter_mprofile_mem_usage_by_function(read(sample_text), function) == samples


def test_filter_by_unknown_function(read, sample_text):
    with pytest.raises(ValueError, match=r"no\.such was not found"):
        mprof.filter_mprofile_mem_usage_by_function(read(sample_text), "no.such")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["x.y"], ["y"]),
        (["a.b.c", "d.b.c", "x.y"], ["a.b.c", "d.b.c", "y"]),
        (["a.c", "b.d"], ["c", "d"]),
        (["c", "b.c"], ["c", "b.c"]),
        ([".block"], ["block"]),
        (["a.b.c", "b.c"], ["a.b.c", "b.c"]),
        ([], []),
    ],
)
def test_function_labels(names, labels):
    expected = dict(zip(names, labels))
    assert mprof.function_labels(names) == expected
    assert mprof.function_labels(dict.fromkeys(names).keys()) == expected


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["python", "x.py"], "python x.py"),
        (["a b", "c", "d\te", "it's"], "'a b' c 'd\te' it's"),
        ([], ""),
    ],
)
def test_get_cmd_line(words, line):
    assert mprof.get_cmd_line(words) == line


def test_names_and_signatures():
    import inspect

    signatures = {
        "add_brackets": "(xloc, yloc, xshift=0, color='r', label=None, options=None)",
        "add_timestamp_rectangle": "(ax, x0, x1, y0, y1, func_name, color='none')",
        "filter_mprofile_mem_usage_by_function": "(prof, func)",
        "find_first_process": "(name)",
        "flame_plotter": "(filename, index=0, timestamps=True, children=True, options=None)",
        "function_labels": "(dotted_function_names)",
        "get_cmd_line": "(args)",
        "get_profile_filenames": "(args)",
        "get_profiles": "(args)",
        "plot_file": "(filename, index=0, timestamps=True, children=True, options=None)",
        "read_mprofile_file": "(filename)",
    }
    for name in mprof.__all__:
        value = getattr(mprof, name)
        if callable(value):
            assert str(inspect.signature(value)) == signatures.get(name, "()"), name
    assert mprof.ALL_ACTIONS == ("run", "rm", "clean", "list", "plot", "attach", "peak")

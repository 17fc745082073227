"""mprof plot: with matplotlib where it is installed, and without it everywhere."""

import struct
import xml.etree.ElementTree as ElementTree

import pytest

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def without_matplotlib(mprof):
    """An mprof that finds no matplotlib."""
    folder = mprof.folder / "hidden"
    folder.mkdir()
    (folder / "matplotlib.py").write_text("raise ImportError('hidden')\n")
    mprof.environment["PYTHONPATH"] = f"{folder}:{mprof.environment['PYTHONPATH']}"
    return mprof


@pytest.fixture
def with_matplotlib(mprof):
    pytest.importorskip("matplotlib")
    return mprof


def parsed(path):
    root = ElementTree.parse(str(path)).getroot()
    assert root.tag == SVG + "svg"
    return root


def texts(root):
    return [element.text for element in root.iter(SVG + "text")]


def titles(root):
    return [element.text for element in root.iter(SVG + "title")]


# -- our own SVG -----------------------------------------------------------------------------------


def test_svg(without_matplotlib, sample):
    mprof = without_matplotlib
    out = mprof("plot")
    name = sample.replace(".dat", ".svg")
    assert out == f"Using last profile data.\nmatplotlib is not installed: plot written to {name}\n"
    root = parsed(mprof.folder / name)
    shown = texts(root)
    assert "python script.py 'a b'" in shown
    assert "time (in seconds)" in shown
    assert "memory used (in MiB)" in shown
    assert "01 / 01 / 1970 - start at 00:16:40.000" in shown
    assert "child 77" in shown
    assert "child 78" in shown
    assert "peak 126.3 MiB at 0.50 s" in shown
    assert "main 0.600s" in shown
    assert "__main__.load 0.400s" in shown
    assert "tools.load 0.010s" in shown
    assert "__main__.load 0.400s, 10.0 to 70.0 MiB (+60.0)" in titles(root)
    assert len(list(root.iter(SVG + "polyline"))) == 3  # the process and two children


def test_svg_options(without_matplotlib, sample):
    mprof = without_matplotlib
    assert mprof("plot", "-o", "x.svg", "-t", '<A & "B">', "-s", "-n", sample) == ""
    shown = texts(parsed(mprof.folder / "x.svg"))
    assert '<A & "B">' in shown
    assert any(text.startswith("slope ") for text in shown)
    assert "main 0.600s" not in shown


def test_svg_flame(without_matplotlib, sample):
    mprof = without_matplotlib
    mprof("plot", "-f", "-o", "x.svg", sample)
    root = parsed(mprof.folder / "x.svg")
    bars = {
        title.text.split()[0]: float(bar.get("y"))
        for bar in root.iter(SVG + "rect")
        for title in bar.iter(SVG + "title")
    }
    assert bars["main"] < bars["__main__.load"]  # the inner call stands below


def test_svg_window(without_matplotlib, sample):
    mprof = without_matplotlib
    mprof("plot", "-w", "0.55,0.9", "-o", "x.svg", sample)
    shown = texts(parsed(mprof.folder / "x.svg"))
    assert "peak 11.0 MiB at 0.80 s" in shown
    mprof("plot", "-w", "50,90", "-o", "x.svg", sample)  # nothing there
    parsed(mprof.folder / "x.svg")


def test_svg_of_several_files(without_matplotlib, sample):
    mprof = without_matplotlib
    (mprof.folder / "other.dat").write_text("MEM 5.0 2000.0\nMEM 6.0 2001.0\n")
    mprof("plot", "-o", "x.svg", sample, "other.dat")
    shown = texts(parsed(mprof.folder / "x.svg"))
    assert sum("start at" in text for text in shown) == 2
    assert "main 0.600s" not in shown  # no function marks
    assert "python script.py 'a b'" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "MEM 5.0 1000.0\n",  # one sample
        "MEM 0.0 1000.0\nMEM 0.0 1000.0\n",  # no memory, no time
        "MEM 5.0 1000.0\nMEM 5.0 99999999.0\n",
        "MEM 1000000.0 1000.0\nMEM 1000000.000001 1000.001\n",
        "MEM 5.0 1001.0\nMEM 6.0 1000.0\n",  # out of order
        "CMDLINE \x1b[31m<svg>\uffff\nMEM 5.0 1000.0\n",
        "MEM 5.0 1000.0\nFUNC a.b -1.0 0.0 2.0 1e9 -3\n",
        "MEM 5.0 1000.0\n" + "FUNC a.b 1.0 1000.0 2.0 1001.0 99999\n" * 5000,
        "".join(f"MEM {i % 7}.0 {1000 + i}.0\n" for i in range(20000)),
        "".join(f"CHLD {i} 1.0 1000.0\n" for i in range(100)) + "MEM 5.0 1000.0\n",
    ],
    ids=range(10),
)
@pytest.mark.parametrize("options", [[], ["-f", "-s"]])
def test_svg_of_odd_files(without_matplotlib, text, options):
    mprof = without_matplotlib
    (mprof.folder / "x.dat").write_text(text)
    mprof("plot", *options, "x.dat")
    path = mprof.folder / "x.svg"
    parsed(path)
    assert path.stat().st_size < 1_500_000


def test_svg_keeps_the_peak_of_many_samples(without_matplotlib):
    mprof = without_matplotlib
    lines = [f"MEM 5.0 {1000 + i}.0\n" for i in range(50000)]
    lines[33333] = "MEM 777.0 34333.0\n"
    (mprof.folder / "x.dat").write_text("".join(lines))
    mprof("plot", "x.dat")
    (line,) = parsed(mprof.folder / "x.svg").iter(SVG + "polyline")
    heights = [float(point.split(",")[1]) for point in line.get("points").split()]
    assert len(heights) < 2000
    assert sum(height < 300 for height in heights) == 1


def test_other_formats_need_matplotlib(without_matplotlib, sample):
    mprof = without_matplotlib
    mprof("plot", "-o", "x.png", status=1)
    assert "matplotlib is needed for plotting to 'x.png'" in mprof.err
    mprof("plot", "-o", "/no/such/x.svg", status=1)
    assert "cannot write '/no/such/x.svg': no such file or directory" in mprof.err


# -- both ------------------------------------------------------------------------------------------


@pytest.fixture(params=["with", "without"])
def either(request):
    return request.getfixturevalue(f"{request.param}_matplotlib")


@pytest.mark.parametrize("text", ["", "CMDLINE x\n", "MEM 1.0"])
def test_no_samples(either, text):
    (either.folder / "x.dat").write_text(text)
    assert either("plot", "x.dat") == (
        "** No memory usage values have been found in the profile file.**\n"
        "File path: x.dat\n"
        "File may be empty or invalid.\n"
        'It can be deleted with "mprof rm x.dat"\n'
    )


@pytest.mark.parametrize("window", ["5", "a,b", "1,2,3", "2,1", "", "nan,1"])
def test_bad_window(either, sample, window):
    either("plot", "-w", window, status=2)
    assert "--window" in either.err


# -- matplotlib ------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["-f"], ["-n"], ["-s"], ["-w", "0.1,0.6"]])
def test_png_without_display(with_matplotlib, sample, options):
    mprof = with_matplotlib
    name = sample.replace(".dat", ".png")
    assert mprof("plot", *options).splitlines()[-1] == (
        f"No display to show it on: plot written to {name}"
    )
    data = (mprof.folder / name).read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1260, 540)  # 14 x 6 inches at 90 dpi


def test_formats_of_matplotlib(with_matplotlib, sample):
    mprof = with_matplotlib
    assert mprof("plot", "-o", "x.pdf", sample) == ""
    assert (mprof.folder / "x.pdf").read_bytes().startswith(b"%PDF")
    mprof("plot", "-o", "x.foo", sample, status=1)
    assert "cannot write 'x.foo'" in mprof.err
    mprof("plot", "--backend", "nothing", sample, status=1)
    assert "cannot use the backend 'nothing'" in mprof.err


def test_several_files_with_matplotlib(with_matplotlib, sample):
    (with_matplotlib.folder / "other.dat").write_text("MEM 5.0 2000.0\nMEM 6.0 2001.0\n")
    with_matplotlib("plot", "-o", "x.png", sample, "other.dat")


def test_drawing_functions(with_matplotlib, sample, monkeypatch):
    import matplotlib

    matplotlib.use("agg")
    import mprof as module
    from matplotlib import pyplot

    monkeypatch.chdir(with_matplotlib.folder)
    figure = pyplot.figure()
    axes = figure.add_subplot(111)
    prof = module.plot_file(sample, timestamps=True)
    assert prof["mem_usage"] == [10.0, 42.5, 126.328125, 11.0]
    labels = axes.get_legend_handles_labels()[1]
    assert "child 77" in labels
    assert "main 0.600s" in labels
    assert " __main__.load 0.400s" in labels
    assert any("/ 1970 - start at " in label for label in labels)
    lines = len(axes.lines)
    module.add_brackets((0.1, 0.2), (5, 6), label="x 0.100s")
    assert len(axes.lines) == lines + 2
    module.add_timestamp_rectangle(axes, 0, 1, 5, 6, "name", "r")
    assert axes.texts[-1].get_text() == "name"
    figure.clear()
    assert module.flame_plotter(sample)["filename"] == sample
    pyplot.close(figure)

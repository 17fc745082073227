"""mprof plot: by matplotlib where it is installed, else as an SVG file (_mprof_svg.py)."""

from __future__ import annotations

import os
import sys

from . import _mprof_svg
from ._mprof_curve import Curve, call_totals
from ._mprof_files import get_profiles
from ._mprof_options import fail, parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

_LINE_COLORS = ("k", "b", "r", "g", "c", "y", "m")
_CHILD_COLORS = ("b", "r", "g", "c", "m", "y")
_FUNCTION_COLORS = ("c", "y", "g", "r", "b")
_MOST_CALLS_IN_LEGEND = 20  # beyond, each function is there once
# Backends that only write files: with them there is nobody to show a window to.
_FILE_BACKENDS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def plot_action():
    # type: () -> None
    """mprof plot"""
    p = _plot_parser()
    args = p.parse_args()
    if args.xlim is not None:
        args.xlim = _window(args.xlim)
    filenames = get_profiles(args)
    if _import_pyplot(args) is None:
        _plot_svg(args, filenames)
    else:
        _plot_pyplot(args, filenames)


def _plot_parser() -> Any:
    p = parser("plot", "[file.dat ...]")
    p.description = (
        "Plot profiles made by mprof run; the newest one of the current directory if none is given.\n"
        "With matplotlib in a window or, with -o or without a display, to a file of any kind that\n"
        "it writes. Without matplotlib to an SVG file."
    )
    p.add_argument("--title", "-t", help="String shown as plot title")
    p.add_argument(
        "--no-function-ts",
        "-n",
        action="store_true",
        help="Do not display function timestamps on plot.",
    )
    p.add_argument("--output", "-o", help="Save plot to file instead of displaying it.")
    p.add_argument(
        "--window",
        "-w",
        dest="xlim",
        metavar="A,B",
        help="Plot a time-subset of the data. E.g. to plot between 0\n"
        "and 20.5 seconds: --window 0,20.5",
    )
    p.add_argument(
        "--flame",
        "-f",
        action="store_true",
        help="Plot the timestamps as a flame-graph instead of the\ndefault brackets",
    )
    p.add_argument(
        "--slope", "-s", action="store_true", help="Plot a trend line and its numerical slope"
    )
    p.add_argument("--backend", help="Specify the Matplotlib backend to use")
    p.add_argument("profiles", nargs="*", help="profiles made by mprof run (numbers or filenames)")
    return p


def _window(text: str) -> Tuple[float, float]:
    try:
        first, last = (float(part) for part in text.split(","))
    except ValueError:
        fail(f"--window wants two numbers of seconds, as in 0,20.5; not '{text}'", 2)
    if not first < last:
        fail(f"--window '{text}' is empty: the second number must be the greater one", 2)
    return first, last


def _title(options: Any, curves: List[Curve]) -> str:
    if options is not None and options.title is not None:
        return str(options.title)
    return curves[0].command if len(curves) == 1 else ""


def _beside(filename: str, extension: str) -> str:
    return os.path.splitext(filename)[0] + extension


# -- without matplotlib ----------------------------------------------------------------------------


def _plot_svg(args: Any, filenames: List[str]) -> None:
    output = args.output or _beside(filenames[0], ".svg")
    if os.path.splitext(output)[1].lower() != ".svg":
        fail(
            f"matplotlib is needed for plotting to '{output}'\n"
            f"  try: pip install matplotlib, or -o {_beside(output, '.svg')}"
        )
    curves = [Curve(name, args.xlim) for name in filenames]
    text = _mprof_svg.draw(
        curves,
        title=_title(args, curves),
        calls=not args.no_function_ts and len(curves) == 1,
        flame=args.flame,
        slope=args.slope,
        window=args.xlim,
    )
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        fail(f"cannot write '{output}': {(error.strerror or str(error)).lower()}")
    if args.output is None:
        print(f"matplotlib is not installed: plot written to {output}")


# -- with matplotlib -------------------------------------------------------------------------------


def _import_pyplot(options: Any = None) -> Any:
    """matplotlib.pyplot with the backend asked for; None if it is not installed."""
    try:
        import matplotlib  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    backend = getattr(options, "backend", None)
    try:
        if backend is not None:
            matplotlib.use(backend)
        elif getattr(options, "output", None) is not None:
            matplotlib.use("agg")  # saving needs no display; the extension picks the format
        import matplotlib.pyplot as pyplot  # type: ignore[import-not-found,unused-ignore]
    except (ImportError, ValueError) as error:
        fail(f"matplotlib cannot use the backend '{backend}': {error}")
    return pyplot


def _plot_pyplot(args: Any, filenames: List[str]) -> None:
    pyplot = _import_pyplot(args)
    figure = pyplot.figure(figsize=(14, 6), dpi=90)
    show_calls = not args.no_function_ts and len(filenames) == 1
    if args.flame and show_calls:
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2, 1]})
        pyplot.sca(upper)
        curves = [_draw_curve(pyplot, Curve(filenames[0], args.xlim), 0, args, True)]
        _draw_flame(lower, curves[0])
    else:
        upper = lower = figure.add_subplot(111)
        curves = []
        for index, name in enumerate(filenames):
            curve = _draw_curve(pyplot, Curve(name, args.xlim), index, args, True)
            curves.append(curve)
            if show_calls:
                _draw_brackets(curve, args)
    lower.set_xlabel("time (in seconds)")
    upper.set_ylabel("memory used (in MiB)")
    upper.set_title(_title(args, curves))
    upper.grid(True)
    if args.xlim is not None:
        upper.set_xlim(*args.xlim)
    _place_legend(figure, upper)
    _show_or_save(pyplot, args, filenames)


def _place_legend(figure: Any, axes: Any) -> None:
    figure.subplots_adjust(left=0.07, right=0.72)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, fontsize="small")


def _show_or_save(pyplot: Any, args: Any, filenames: List[str]) -> None:
    output = args.output
    if output is None:
        backend = str(pyplot.get_backend()).lower()
        if backend not in _FILE_BACKENDS:
            pyplot.show()
            return
        output = _beside(filenames[0], ".png")
    try:
        pyplot.savefig(output)
    except OSError as error:
        fail(f"cannot write '{output}': {(error.strerror or str(error)).lower()}")
    except ValueError as error:  # a format that matplotlib does not know
        fail(f"cannot write '{output}': {error}")
    if args.output is None:
        print(f"No display to show it on: plot written to {output}")


def _pyplot_or_exit() -> Any:
    pyplot = _import_pyplot()
    if pyplot is None:
        print("matplotlib is needed for plotting.")
        sys.exit(1)
    return pyplot


def _draw_curve(pyplot: Any, curve: Curve, index: int, options: Any, children: bool) -> Curve:
    axes = pyplot.gca()
    slope = bool(getattr(options, "slope", False))
    color = _LINE_COLORS[index % len(_LINE_COLORS)]
    times = [t for t, _ in curve.points]
    axes.plot(
        times, [mib for _, mib in curve.points], "+-" + color, label=curve.label(slope), zorder=2
    )
    if slope and times:
        growth, base = curve.trend()
        ends = [times[0], times[-1]]
        axes.plot(ends, [growth * t + base for t in ends], "--", color="0.5", linewidth=1)
    if children:
        for number, (pid, points) in enumerate(curve.children.items()):
            axes.plot(
                [t for t, _ in points],
                [mib for _, mib in points],
                "+-" + _CHILD_COLORS[number % len(_CHILD_COLORS)],
                label=f"child {pid}",
            )
    if curve.points:
        at, highest = curve.peak
        axes.axhline(highest, color="r", linestyle="--", linewidth=1, zorder=1)
        axes.axvline(at, color="r", linestyle="--", linewidth=1, zorder=1)
    return curve


def _colors_of(curve: Curve) -> Dict[str, str]:
    names = sorted({call.name for call in curve.calls})
    return {name: _FUNCTION_COLORS[i % len(_FUNCTION_COLORS)] for i, name in enumerate(names)}


def _draw_brackets(curve: Curve, options: Any) -> None:
    colors = _colors_of(curve)
    totals = call_totals(curve.calls)
    each = len(curve.calls) <= _MOST_CALLS_IN_LEGEND
    for call in curve.calls:
        one = f"{call.name} {call.end - call.start:.3f}s"
        label = one if each else totals.pop(call.name, "") or None
        add_brackets(
            (call.start, call.end),
            (call.mib_start, call.mib_end),
            color=colors[call.name],
            label=label,
            options=options,
        )


def _draw_flame(axes: Any, curve: Curve) -> None:
    colors = _colors_of(curve)
    for call in curve.calls:
        add_timestamp_rectangle(
            axes, call.start, call.end, call.level, call.level + 1, call.name, colors[call.name]
        )
    levels = 1 + max((call.level for call in curve.calls), default=0)
    axes.set_ylim(levels, 0)
    axes.set_yticks([])
    axes.set_ylabel("calls")


# -- the original's names --------------------------------------------------------------------------


def plot_file(filename, index=0, timestamps=True, children=True, options=None):
    # type: (str, int, bool, bool, Any) -> Dict[str, Any]
    """Draw a profile into matplotlib's current axes; index picks the colour. Gives its records."""
    pyplot = _pyplot_or_exit()
    curve = _draw_curve(pyplot, Curve(filename, _xlim(options)), index, options, children)
    if timestamps:
        _draw_brackets(curve, options)
    return curve.profile


def flame_plotter(filename, index=0, timestamps=True, children=True, options=None):
    # type: (str, int, bool, bool, Any) -> Dict[str, Any]
    """Draw a profile into matplotlib's current axes, its calls as rectangles under the curve."""
    pyplot = _pyplot_or_exit()
    curve = _draw_curve(pyplot, Curve(filename, _xlim(options)), index, options, children)
    if timestamps and curve.calls:
        axes = pyplot.gca()
        colors = _colors_of(curve)
        low, high = axes.get_ylim()
        step = (high - low) / 20
        for call in curve.calls:
            top = low - call.level * step
            add_timestamp_rectangle(
                axes, call.start, call.end, top - step, top, call.name, colors[call.name]
            )
        axes.set_ylim(low - step * (1 + max(call.level for call in curve.calls)), high)
    return curve.profile


def add_brackets(xloc, yloc, xshift=0, color="r", label=None, options=None):
    # type: (Tuple[float, float], Tuple[float, float], float, str, Optional[str], Any) -> None
    """Draw [ and ] at a call's start and end (times, MiB) into matplotlib's current axes."""
    axes = _pyplot_or_exit().gca()
    bottom, top = axes.get_ylim()
    left, right = _xlim(options) or axes.get_xlim()
    half = (top - bottom) * 0.025
    if label is not None and label.startswith("_"):
        label = " " + label  # matplotlib keeps labels with an underscore out of the legend
    arm = (right - left) * 0.005
    for at, mib, inward in ((xloc[0], yloc[0], arm), (xloc[1], yloc[1], -arm)):
        x = at - xshift
        axes.plot(
            [x + inward, x, x, x + inward],
            [mib - half, mib - half, mib + half, mib + half],
            "-",
            color=color,
            linewidth=2,
            label=label,
            scalex=False,
            scaley=False,
        )
        label = None  # once in the legend


def add_timestamp_rectangle(ax, x0, x1, y0, y1, func_name, color="none"):
    # type: (Any, float, float, float, float, str, str) -> Any
    """Draw a call as a rectangle with its name in it; gives the rectangle."""
    rectangle = ax.fill_betweenx((y0, y1), x0, x1, color=color, alpha=0.5, linewidth=1)
    ax.text(
        (x0 + x1) / 2, (y0 + y1) / 2, func_name, ha="center", va="center", fontsize=8, clip_on=True
    )
    return rectangle


def _xlim(options: Any) -> Optional[Tuple[float, float]]:
    xlim: Optional[Tuple[float, float]] = getattr(options, "xlim", None)
    return xlim

"""mprof plot without matplotlib: one SVG file that any browser shows.

Picture:   title                                     legend
           memory over time, calls as brackets       lines, functions
           (flame: calls as rows of rectangles)
What is drawn carries a <title>: a browser shows it under the pointer.
"""

from __future__ import annotations

import re
from html import escape
from itertools import cycle
from math import ceil, floor, log10

from ._mprof_curve import call_totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional, Tuple

    from ._mprof_curve import Call, Curve, Point

WIDTH, HEIGHT = 1260, 540
_LEFT, _TOP, _RIGHT, _BOTTOM = 76, 74, 330, 58
_FLAME_ROW = 24
_LEGEND_ROW = 22
_MOST_LEVELS = 24

_INK, _SOFT, _GRID = "#111827", "#4b5563", "#e5e7eb"
_PEAK = "#dc2626"
_LINES = ("#1d4ed8", "#b45309", "#047857", "#7c3aed", "#be185d", "#0e7490", "#4d7c0f")
_FUNCTIONS = ("#0891b2", "#ca8a04", "#16a34a", "#db2777", "#7c3aed", "#ea580c", "#475569")


def draw(
    curves: List[Curve],
    title: str = "",
    calls: bool = True,
    flame: bool = False,
    slope: bool = False,
    window: Optional[Tuple[float, float]] = None,
) -> str:
    """The plot as the text of an SVG file. calls: also the function calls, of the first curve."""
    shown = curves[0].calls if calls else []
    levels = min(_MOST_LEVELS, 1 + max((call.level for call in shown), default=-1)) if flame else 0
    plot = _Plot(curves, shown, window)
    colors = _colors_of(shown)
    plot.axes()
    palette = cycle(_LINES)
    for curve in curves:
        plot.curve(curve, palette, filled=len(curves) == 1, slope=slope)
    if len(curves) == 1:
        plot.peak(curves[0].peak)
    if flame:
        plot.flame(shown, colors, levels)
    else:
        plot.brackets(shown, colors)
    plot.labels(levels)
    plot.legend([(colors[name], text, "call") for name, text in call_totals(shown).items()])
    plot.title(title)
    height = HEIGHT + (levels * _FLAME_ROW + 10 if levels else 0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" font-family="system-ui, \'DejaVu Sans\', sans-serif"'
        f' font-size="12" fill="{_INK}">\n<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        + "\n".join(plot.parts)
        + "\n</svg>\n"
    )


def _colors_of(calls: List[Call]) -> Dict[str, str]:
    names = sorted({call.name for call in calls})
    return {name: _FUNCTIONS[i % len(_FUNCTIONS)] for i, name in enumerate(names)}


def _xml(text: str) -> str:
    """Escaped; what XML cannot hold is replaced."""
    return escape(re.sub("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def _ticks(low: float, high: float, about: int) -> List[float]:
    """Round numbers between low and high."""
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    return [n * step for n in range(ceil(low / step), floor(high / step) + 1)]


def _number(value: float, span: float) -> str:
    digits = max(0, ceil(-log10(span)) + 1)
    return f"{value + 0.0:.{digits}f}"


def _thinned(points: List[Point], columns: int) -> List[Point]:
    """Not more than two points a column of pixels: its lowest and its highest."""
    if len(points) <= 2 * columns:
        return points
    out = []
    for column in range(columns):
        group = points[column * len(points) // columns : (column + 1) * len(points) // columns]
        low = min(group, key=lambda point: point[1])
        high = max(group, key=lambda point: point[1])
        out += [low] if low is high else sorted([low, high])
    return out


class _Plot:
    """Collects the parts of the picture; x is seconds, y is MiB until they are mapped."""

    def __init__(
        self, curves: List[Curve], calls: List[Call], window: Optional[Tuple[float, float]]
    ) -> None:
        self.parts: List[str] = []
        self.rows: List[Tuple[str, str, str]] = []  # of the legend: colour, text, kind
        self.width = WIDTH - _LEFT - _RIGHT
        self.height = HEIGHT - _TOP - _BOTTOM
        lines = [curve.points for curve in curves]
        lines += [points for curve in curves for points in curve.children.values()]
        times = [t for points in lines for t, _ in points]
        times += [t for call in calls for t in (call.start, call.end)]
        sizes = [mib for points in lines for _, mib in points]
        sizes += [mib for call in calls for mib in (call.mib_start, call.mib_end)]
        first, last = window or (min(times, default=0.0), max(times, default=1.0))
        self.first, self.last = first, max(last, first + 1e-3)
        low, high = min(sizes, default=0.0), max(sizes, default=1.0)
        room = max((high - low) * 0.08, 0.05)
        self.low = 0.0 if low < 0.4 * high else max(0.0, low - room)
        self.high = high + room

    def x(self, seconds: float) -> float:
        inside = min(max(seconds, self.first), self.last)
        return round(_LEFT + (inside - self.first) / (self.last - self.first) * self.width, 2)

    def y(self, mib: float) -> float:
        inside = min(max(mib, self.low), self.high)
        return round(
            _TOP + self.height - (inside - self.low) / (self.high - self.low) * self.height, 2
        )

    def axes(self) -> None:
        bottom, right = _TOP + self.height, _LEFT + self.width
        for value in _ticks(self.low, self.high, 6):
            y = self.y(value)
            self.parts.append(f'<path d="M{_LEFT} {y}H{right}" stroke="{_GRID}"/>')
            self._text(_LEFT - 8, y + 4, _number(value, self.high - self.low), "end", _SOFT)
        for value in _ticks(self.first, self.last, 9):
            self.parts.append(f'<path d="M{self.x(value)} {_TOP}V{bottom}" stroke="{_GRID}"/>')
        self.parts.append(f'<path d="M{_LEFT} {bottom}H{right}" stroke="{_SOFT}"/>')

    def labels(self, levels: int) -> None:
        """The time axis, below the flame if there is one."""
        bottom = _TOP + self.height + (levels * _FLAME_ROW + 10 if levels else 0)
        for value in _ticks(self.first, self.last, 9):
            text = _number(value, self.last - self.first)
            self._text(self.x(value), bottom + 18, text, "middle", _SOFT)
        self._text(_LEFT + self.width / 2, bottom + 42, "time (in seconds)", "middle")
        middle = _TOP + self.height / 2
        self.parts.append(
            f'<text transform="translate(20 {middle}) rotate(-90)" text-anchor="middle">'
            "memory used (in MiB)</text>"
        )

    def title(self, text: str) -> None:
        shown = text if len(text) <= 130 else text[:129] + "\u2026"
        if shown:
            self.parts.append(
                f'<text x="{_LEFT}" y="42" font-size="17" font-weight="600">{_xml(shown)}</text>'
            )

    def curve(self, curve: Curve, palette: Iterator[str], filled: bool, slope: bool) -> None:
        lines = [(curve.points, curve.label(False))]
        lines += [(points, f"child {pid}") for pid, points in curve.children.items()]
        for number, (points, name) in enumerate(lines):
            color = next(palette)
            self._line(points, color, filled and number == 0, name)
            self.rows.append((color, name, "line"))
        if slope and curve.points:
            growth, base = curve.trend()
            (first, _), (last, _) = curve.points[0], curve.points[-1]
            ends = " ".join(f"{self.x(t)},{self.y(growth * t + base)}" for t in (first, last))
            self.parts.append(
                f'<polyline points="{ends}" fill="none" stroke="{_SOFT}" stroke-dasharray="2 4"'
                ' stroke-width="1.5"/>'
            )
            self.rows.append((_SOFT, f"slope {growth:.5f} MiB/s", "dots"))

    def _line(self, points: List[Point], color: str, filled: bool, name: str) -> None:
        points = _thinned(points, int(self.width))
        if not points:
            return
        path = " ".join(f"{self.x(t)},{self.y(mib)}" for t, mib in points)
        if filled:
            bottom = _TOP + self.height
            left, right = self.x(points[0][0]), self.x(points[-1][0])
            self.parts.append(
                f'<polygon points="{left},{bottom} {path} {right},{bottom}" fill="{color}"'
                ' fill-opacity="0.1"/>'
            )
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"'
            f' stroke-linejoin="round"><title>{_xml(name)}</title></polyline>'
        )
        if len(points) <= 150:  # the samples themselves, while there is room for them
            dots = "".join(f"M{self.x(t)} {self.y(mib)}h0" for t, mib in points)
            self.parts.append(
                f'<path d="{dots}" stroke="{color}" stroke-width="5" stroke-linecap="round"/>'
            )

    def peak(self, peak: Point) -> None:
        at, mib = peak
        x, y = self.x(at), self.y(mib)
        right = x < _LEFT + self.width * 0.75
        self.parts.append(
            f'<path d="M{_LEFT} {y}h{self.width}M{x} {_TOP}v{self.height}" stroke="{_PEAK}"'
            ' stroke-dasharray="5 4" fill="none"/>'
            f'<circle cx="{x}" cy="{y}" r="4" fill="{_PEAK}"/>'
        )
        text = f"peak {mib:.1f} MiB at {at:.2f} s"
        self._text(x + (8 if right else -8), _TOP - 6, text, "start" if right else "end", _PEAK)

    def brackets(self, calls: List[Call], colors: Dict[str, str]) -> None:
        """Calls inside others have smaller brackets, so that one does not hide the other."""
        deepest = max((call.level for call in calls), default=0)
        for call in calls:
            half = 11 + 6 * min(deepest - call.level, 6)
            path = ""
            for at, mib, arm in ((call.start, call.mib_start, 6), (call.end, call.mib_end, -6)):
                if self.first <= at <= self.last:
                    x, y = self.x(at), self.y(mib)
                    path += f"M{x + arm} {y - half:.2f}H{x}v{2 * half}h{arm}"
            self.parts.append(
                f'<path d="{path}" fill="none" stroke="{colors[call.name]}" stroke-width="2.5">'
                f"<title>{_xml(_about(call))}</title></path>"
            )

    def flame(self, calls: List[Call], colors: Dict[str, str], levels: int) -> None:
        top = _TOP + self.height + 8
        for call in calls:
            if not 0 <= call.level < levels:
                continue
            left, right = self.x(call.start), self.x(call.end)
            y = top + call.level * _FLAME_ROW
            wide = max(right - left, 1.0)
            self.parts.append(
                f'<rect x="{left}" y="{y}" width="{wide:.2f}" height="{_FLAME_ROW - 3}" rx="2"'
                f' fill="{colors[call.name]}" fill-opacity="0.75">'
                f"<title>{_xml(_about(call))}</title></rect>"
            )
            if wide > 7 * len(call.name) + 8:
                self._text((left + right) / 2, y + 15, call.name, "middle", "#fff")

    def legend(self, calls: List[Tuple[str, str, str]]) -> None:
        left, room = WIDTH - _RIGHT + 18, int(self.height // _LEGEND_ROW)
        rows = self.rows + calls
        if len(rows) > room:
            rows = [*rows[: room - 1], (_SOFT, f"and {len(rows) - room + 1} more", "")]
        for number, (color, text, kind) in enumerate(rows):
            y = _TOP + 10 + number * _LEGEND_ROW
            if kind == "call":
                self.parts.append(
                    f'<rect x="{left + 3}" y="{y - 6}" width="12" height="12" rx="2" fill="{color}"/>'
                )
            elif kind:
                dots = ' stroke-dasharray="2 4"' if kind == "dots" else ""
                self.parts.append(
                    f'<path d="M{left} {y}h18" stroke="{color}" stroke-width="2.5"{dots}/>'
                )
            shown = text if len(text) <= 44 else text[:43] + "\u2026"
            self._text(left + 26, y + 4, shown, "start")

    def _text(self, x: float, y: float, text: str, anchor: str, color: str = _INK) -> None:
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{_xml(text)}</text>'
        )


def _about(call: Call) -> str:
    change = call.mib_end - call.mib_start
    return (
        f"{call.name} {call.end - call.start:.3f}s, {call.mib_start:.1f} to {call.mib_end:.1f} MiB"
        f" ({change:+.1f})"
    )

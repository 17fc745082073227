"""What a plot of mprof shows, for both of its painters: times from 0, children, calls, the peak."""

from __future__ import annotations

import sys
import time

from ._mprof_dat import function_labels
from ._mprof_files import read_profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NamedTuple, Optional, Tuple

    Point = Tuple[float, float]  # seconds since the start, MiB

    class Call(NamedTuple):
        name: str  # as short as it is unambiguous
        start: float  # seconds since the start of the profile
        end: float
        mib_start: float
        mib_end: float
        level: int

else:
    from collections import namedtuple

    Call = namedtuple("Call", "name start end mib_start mib_end level")


MOST_CALLS = 2000  # drawn; a plot cannot show more anyway


class Curve:
    """A profile, ready to be drawn."""

    def __init__(self, filename: str, window: Optional[Tuple[float, float]] = None) -> None:
        profile: Dict[str, Any] = read_profile(filename)
        self.profile = profile
        self.command: str = (profile["cmd_line"] or filename).strip()
        stamped = sorted(zip(profile["timestamp"], profile["mem_usage"]))
        if not stamped:
            print(
                "** No memory usage values have been found in the profile file.**\n"
                f"File path: {filename}\n"
                "File may be empty or invalid.\n"
                f'It can be deleted with "mprof rm {filename}"'
            )
            sys.exit(0)
        self.start = stamped[0][0]
        self.points: List[Point] = self._within(
            [(at - self.start, mib) for at, mib in stamped], window
        )
        self.children: Dict[str, List[Point]] = {}
        for pid, samples in profile["children"].items():
            points = sorted((at - self.start, mib) for mib, at in samples)
            self.children[pid] = self._within(points, window)
        self.calls = self._calls(window)
        self.peak: Point = max(self.points, key=lambda point: point[1], default=(0.0, 0.0))

    @staticmethod
    def _within(points: List[Point], window: Optional[Tuple[float, float]]) -> List[Point]:
        if window is None:
            return points
        return [point for point in points if window[0] <= point[0] <= window[1]]

    def _calls(self, window: Optional[Tuple[float, float]]) -> List[Call]:
        spans = self.profile["func_timestamp"]
        labels = function_labels(spans)
        calls = []
        for name, runs in spans.items():
            for start, end, mib_start, mib_end, *level in runs:
                call = Call(
                    labels[name],
                    start - self.start,
                    end - self.start,
                    mib_start,
                    mib_end,
                    level[0] if level else 0,
                )
                if window is None or (call.end >= window[0] and call.start <= window[1]):
                    calls.append(call)
        return sorted(calls, key=lambda call: (call.start, call.level))[:MOST_CALLS]

    def label(self, slope: bool) -> str:
        """For the legend: when the run started, and how fast its memory grew (MiB/s)."""
        milliseconds = int(self.start * 1000) % 1000
        text = time.strftime("%d / %m / %Y - start at %H:%M:%S", time.localtime(self.start))
        text += f".{milliseconds:03d}"
        return f"{text} slope {self.trend()[0]:.5f}" if slope else text

    def trend(self) -> Tuple[float, float]:
        """Slope and intercept of the line nearest to the samples."""
        n = len(self.points)
        if n == 0:
            return 0.0, 0.0
        mean_t = sum(t for t, _ in self.points) / n
        mean_m = sum(m for _, m in self.points) / n
        spread = sum((t - mean_t) ** 2 for t, _ in self.points)
        if spread == 0:
            return 0.0, mean_m
        slope = sum((t - mean_t) * (m - mean_m) for t, m in self.points) / spread
        return slope, mean_m - slope * mean_t


def call_totals(calls: List[Call]) -> Dict[str, str]:
    """For the legend: each function's name with its time in all its calls, in order of names."""
    totals = {}
    for name in sorted({call.name for call in calls}):
        times = [call.end - call.start for call in calls if call.name == name]
        runs = f" in {len(times)} calls" if len(times) > 1 else ""
        totals[name] = f"{name} {sum(times):.3f}s{runs}"
    return totals

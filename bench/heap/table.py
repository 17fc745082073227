"""The tables of the heap benchmark, as Markdown: table.py LOG

For each interpreter those measurements count whose build is the newest that the log tells about.
"""

import json
import math
import statistics
import sys
import time

import programs

import tools

NOISY = 1.3  # a base spread by more makes no claim
ROUNDS = 5  # nor do fewer
# The most that the geomean and the worst body's time may be; then the share of the heap, and the MiB beyond it.
AIMS = {
    "heap": (1.15, 1.5, 0.25, 5),
    "heap --all": (1.15, 1.5, 0.25, 5),
    "sample": (1.02, 1.05, 0, 5),
}
IDLE = "w9_lines"  # what a row's peak is beyond this one's is its heap


def read(path):
    """What the log has; a line that a kill cut short is none, and once there were lines without a build."""
    rows = []
    with open(path) as f:
        for line in f:
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return [row for row in rows if "build" in row]


# --- from the log to cells ---------------------------------------------------------------------------


class Place:
    """What the log has of one interpreter: runs[row][tool] = {round: figures}, accuracy[program, tool]."""

    def __init__(self, about, log):
        self.about, self.runs, self.accuracy, self.loads = about, {}, {}, []
        self.rounds = 0
        for said in log:
            if (said["python"], said["build"]) != (about["python"], about["build"]):
                continue
            if "row" in said:
                tool = self.runs.setdefault(said["row"], {}).setdefault(said["tool"], {})
                tool[said["round"]] = said
                self.rounds = max(self.rounds, said["round"] + 1)
                self.loads.append(said["load"])
            elif "accuracy" in said:
                self.accuracy[said["accuracy"], said["tool"]] = said

    def rows(self):
        return [row.name for row in programs.ROWS if row.name in self.runs]

    def full_rows(self):
        """Those that no sum leaves out: not the ones made small."""
        small = {row.name for row in programs.SMALL}
        return [row for row in self.rows() if row not in small]

    def tools(self):
        return [t for t in tools.TOOLS if t != "base" and any(t in r for r in self.runs.values())]

    def figures(self, row, tool, field):
        """{round: figure} of the runs that ended well."""
        found = self.runs[row].get(tool, {})
        return {number: said[field] for number, said in found.items() if "error" not in said}

    def ratio(self, row, tool, field):
        """(least over least, median over rounds of tool over base), or None."""
        base, other = (self.figures(row, t, field) for t in ("base", tool))
        both = [(other[n], base[n]) for n in other if base.get(n)]
        if not both:
            return None
        least = min(x for x, _ in both) / min(b for _, b in both)
        return least, statistics.median(x / b for x, b in both)

    def beyond(self, row, tool, field, idle=None):
        """Median beyond base's, of the same row or another, or None."""
        base = list(self.figures(idle or row, "base", field).values())
        other = list(self.figures(row, tool, field).values())
        return statistics.median(other) - statistics.median(base) if base and other else None

    def spread(self, row):
        times = self.figures(row, "base", "body").values()
        return max(times) / min(times) if times and min(times) > 0 else math.inf

    def noisy(self, row):
        return NOISY < self.spread(row) < math.inf

    def failed(self, row, tool):
        """Why there is no figure."""
        runs = list(self.runs[row].get(tool, {}).values())
        if not runs:
            return "-"
        return runs[0]["error"].replace("more than", ">") if runs[0].get("late") else "failed"


def places(log):
    newest = {said["python"]: said for said in log if said.get("about")}
    return [Place(about, log) for about in newest.values()]


# --- sums over rows ----------------------------------------------------------------------------------


def p90(values):
    """Nearest rank."""
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


RATIOS = {"geomean": statistics.geometric_mean, "median": statistics.median, "P90": p90, "max": max}
AMOUNTS = {"median": statistics.median, "P90": p90, "max": max}


def summed(place, tool, field):
    """[(least over least, median of pairs)] of the rows that make a claim; those made small are none."""
    rows = [r for r in place.full_rows() if not place.noisy(r)]
    return [x for x in (place.ratio(r, tool, field) for r in rows) if x]


# --- Markdown ----------------------------------------------------------------------------------------


def line(cells):
    return "| " + " | ".join(cells) + " |"


def table(title, heads, rows):
    return ["", title, "", line(["", *heads]), "|" + "---|" * (len(heads) + 1), *map(line, rows)]


def twice(pair):
    return f"{pair[0]:.2f} / {pair[1]:.2f}"


def base_cell(place, row, field, unit, scale):
    found = place.figures(row, "base", field).values()
    return (
        f"{statistics.median(found) * scale:,.{0 if scale == 1000 else 1}f} {unit}"
        if found
        else "failed"
    )


def ratio_table(place, title, field):
    names, rows = place.tools(), []
    for row in place.rows():
        cells = [place.ratio(row, t, field) for t in names]
        cells = [twice(x) if x else place.failed(row, t) for x, t in zip(cells, names)]
        base = base_cell(place, row, field, "ms", 1000)
        if field == "body" and place.spread(row) < math.inf:
            base += f" ({place.spread(row):.2f})"
        rows.append([row + " (noisy)" * place.noisy(row), base, *cells])
    sums = {t: summed(place, t, field) for t in names}
    for name, how in RATIOS.items():
        cells = [twice([how(x) for x in zip(*sums[t])]) if sums[t] else "-" for t in names]
        rows.append([f"**{name}**", "", *cells])
    rows.append(["rows in these four", "", *(str(len(sums[t])) for t in names)])
    return table(title, ["base", *names], rows)


def amount_table(place, title, field, unit, scale, digits):
    names, rows, found = place.tools(), [], {}
    for row in place.rows():
        amounts = {t: place.beyond(row, t, field) for t in names}
        cells = [
            place.failed(row, t) if x is None else f"{x * scale:+,.{digits}f}"
            for t, x in amounts.items()
        ]
        rows.append([row, base_cell(place, row, field, unit, scale), *cells])
        for tool, amount in amounts.items():
            if amount is not None and row in place.full_rows():
                found.setdefault(tool, []).append(amount * scale)
    for name, how in AMOUNTS.items():
        cells = [f"{how(found[t]):+,.{digits}f}" if found.get(t) else "-" for t in names]
        rows.append([f"**{name}**", "", *cells])
    return table(title, ["base", *names], rows)


def accuracy_cell(said):
    if said is None:
        return "-"
    if "error" in said:
        return "failed"
    if any(told is None for _, _, told in said["lines"]):
        return "not told"
    return f"{max(abs(told - size) / size for _, size, told in said['lines']):.2%}"


def accuracy_table(place):
    names = [t for t in tools.TOOLS if any(tool == t for _, tool in place.accuracy)]
    rows = [
        [t, *(accuracy_cell(place.accuracy.get((p, t))) for p in programs.KNOWN)] for t in names
    ]
    return table("Worst error of a line:", programs.KNOWN, rows) if rows else []


# --- the aims ------------------------------------------------------------------------------------------


def verdict(value, most):
    return f"{value:.2f} ({'met' if value <= most else 'missed'})"


def memory_verdict(place, tool, share, mib):
    """Of each row: is what the tool takes beyond base at most this share of the row's heap, and so many MiB?"""
    if share and IDLE not in place.runs:
        return "-"
    missed, rows = (
        [],
        [r for r in place.full_rows() if place.beyond(r, tool, "peak_kib") is not None],
    )
    for row in rows:
        heap = (place.beyond(row, "base", "peak_kib", IDLE) or 0) if share else 0
        extra, most = place.beyond(row, tool, "peak_kib") / 1024, share * max(0, heap) / 1024 + mib
        if extra > most:
            missed.append(f"{row} {extra:.1f} of {most:.1f}")
    told = f"missed by {len(missed)} of {len(rows)}: {', '.join(missed)}"
    return told if missed else f"met by all {len(rows)}"


def aims_table(place):
    rows = []
    for tool, (geomean, worst, share, mib) in AIMS.items():
        if tool not in place.tools():
            continue
        least = [x for x, _ in summed(place, tool, "body")]
        memory = f"{share:.0%} of the heap + {mib} MiB" if share else f"{mib} MiB"
        rows += [
            [
                f"{tool}: geomean {geomean}",
                verdict(statistics.geometric_mean(least), geomean) if least else "-",
            ],
            [f"{tool}: worst {worst}", verdict(max(least), worst) if least else "-"],
            [f"{tool}: {memory}", memory_verdict(place, tool, share, mib)],
        ]
    return table(
        "Aims (body, least over least; a row's heap: base's peak beyond that of w9_lines):",
        ["here"],
        rows,
    )


# --- all of it -------------------------------------------------------------------------------------------


def failures(place):
    """Of each tool and error: the rows, with the rounds if others went well."""
    found = {}
    for row in place.rows():
        for tool, runs in place.runs[row].items():
            bad = {number: said["error"] for number, said in runs.items() if "error" in said}
            rounds = ", ".join(str(n + 1) for n in sorted(bad))
            where = row if len(bad) == len(runs) else f"{row} (round {rounds})"
            for error in dict.fromkeys(bad.values()):
                found.setdefault((tool, error), []).append(where)
    for (program, tool), said in place.accuracy.items():
        if "error" in said:
            found.setdefault((tool, said["error"]), []).append(program)
    told = [
        f"- {tool}: `{error[:150]}`: {', '.join(rows)}" for (tool, error), rows in found.items()
    ]
    return ["", "Failed:", "", *told] if told else []


def heading(place):
    about = place.about
    told = [
        f"**CPython {about['python']}**, {time.strftime('%Y-%m-%d', time.localtime(about['at']))}",
        ", ".join(f"{name} {version}" for name, version in about["versions"].items()),
        about["machine"],
    ]
    if place.loads:
        told.append(f"load {min(place.loads):.1f} to {max(place.loads):.1f}")
    if place.rounds:
        few = "" if place.rounds >= ROUNDS else ": orientation, no claims"
        told.append(f"rounds: {place.rounds}{few}")
    return ["; ".join(told) + "."]


def markdown(log):
    """Everything that is in the log, a section for each interpreter."""
    told = []
    for place in places(log):
        told += heading(place)
        if place.runs:
            told += ratio_table(
                place,
                "Body time over base, least over least / median of pairs (base: median, spread):",
                "body",
            )
            told += ratio_table(
                place, "Processor time of the whole process over base, the same way:", "cpu"
            )
            told += amount_table(
                place, "Peak memory beyond base, MiB, medians:", "peak_kib", "MiB", 1 / 1024, 1
            )
            told += amount_table(
                place, "Written to disk beyond base, KiB, medians:", "disk", "KiB", 1 / 1024, 0
            )
            told += aims_table(place) if place.rounds >= ROUNDS else []
        told += accuracy_table(place)
        told += failures(place) + [""]
    return "\n".join(told)


def trouble(log):
    """1 if base or one of our own tools failed, which is then said."""
    bad = 0
    for place in places(log):
        for row, found in place.runs.items():
            for tool in ("base", *tools.OURS):
                for said in found.get(tool, {}).values():
                    if "error" in said:
                        told = f"{tool} on {row}, {place.about['python']}: {said['error']}"
                        print(f"bench-heap: {told}", file=sys.stderr)
                        bad = 1
    return bad


if __name__ == "__main__":
    print(markdown(read(sys.argv[1])))

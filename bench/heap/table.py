"""What the heap benchmark prints: a table per row, the sums over rows, the accuracy."""

import math
import statistics
import sys

NOISY = 1.3


def spread(runs, field):
    values = [r[field] for r in runs if "error" not in r]
    return max(values) / min(values) if values and min(values) > 0 else math.inf


def ratios(tools, tool, field):
    """(least over least, median of the same round's ratios), or None where either has no figure."""
    pairs = [
        (a[field], b[field])
        for a, b in zip(tools["base"], tools[tool])
        if "error" not in a and "error" not in b and a[field] > 0
    ]
    if not pairs:
        return None
    best = min(b for _, b in pairs) / min(a for a, _ in pairs)
    return best, statistics.median(b / a for a, b in pairs)


def middle(runs, field):
    values = [r[field] for r in runs if "error" not in r]
    return statistics.median(values) if values else 0


def twice(pair):
    return "-" if pair is None else f"{pair[0]:.2f} / {pair[1]:.2f}"


def show(versions, results):
    print("\n" + ", ".join(f"{k} {v}" for k, v in versions.items()))
    print("ratios to base: least over least / median of pairs; MiB and KiB: medians, beyond base")
    for row, tools in results.items():
        if tools:
            show_row(row, tools)
    show_sums(results)


def show_row(row, tools):
    base = tools["base"]
    cpu, wall = spread(base, "body_cpu"), spread(base, "body")
    noisy = " (noisy)" if max(cpu, wall) > NOISY else ""
    print(
        f"\n{row}{noisy}: body {middle(base, 'body') * 1e3:.0f} ms (spread {wall:.2f}), "
        f"{middle(base, 'body_cpu') * 1e3:.0f} ms of processor (spread {cpu:.2f}), "
        f"peak {middle(base, 'peak_kib') / 1024:.1f} MiB"
    )
    heads = ("body", "body cpu", "whole cpu", "MiB", "KiB disk")
    print(f"  {'':16}" + "".join(f"{h:>18}" for h in heads))
    for tool, runs in tools.items():
        if tool == "base":
            continue
        if all("error" in r for r in runs):
            print(f"  {tool:16}  failed: {runs[0]['error']}")
            continue
        cells = [twice(ratios(tools, tool, f)) for f in ("body", "body_cpu", "cpu")]
        cells.append(f"{(middle(runs, 'peak_kib') - middle(base, 'peak_kib')) / 1024:+.1f}")
        cells.append(f"{(middle(runs, 'disk') - middle(base, 'disk')) / 1024:.0f}")
        print(f"  {tool:16}" + "".join(f"{c:>18}" for c in cells))


def show_sums(results):
    """Over the rows that are not made small for memory_profiler, each tool: of body cpu, by least and by median."""
    rows = {r: t for r, t in results.items() if "," not in r and t}
    names = dict.fromkeys(tool for t in rows.values() for tool in t if tool != "base")
    print(f"\nbody cpu over all rows\n  {'':16}{'geomean':>18}{'median':>18}{'worst':>18}  rows")
    for tool in names:
        found = [(r, ratios(t, tool, "body_cpu")) for r, t in rows.items() if tool in t]
        found = [(r, x) for r, x in found if x]
        if not found:
            continue
        cells = []
        for how in (statistics.geometric_mean, statistics.median, max):
            cells.append(tuple(how([x[i] for _, x in found]) for i in (0, 1)))
        worst = max(found, key=lambda f: f[1][1])[0]
        print(
            f"  {tool:16}" + "".join(f"{twice(c):>18}" for c in cells) + f"  {len(found)}, {worst}"
        )


def show_accuracy(programs, accurate, tools):
    """The worst line's error of each known program, in percent of the truth."""
    if not programs:
        return
    print(f"\nworst error of a line\n  {'':16}" + "".join(f"{p:>18}" for p in programs))
    for tool in tools:
        if tool == "base":
            continue
        cells = []
        for program in programs:
            said = accurate.get((program, tool), {"error": "not run"})
            if "error" in said:
                cells.append("failed")
            elif any(got is None for _, _, got in said["lines"]):
                cells.append("not told")
            else:
                worst = max(abs(got - size) / size for _, size, got in said["lines"])
                cells.append(f"{worst:.2%}")
        print(f"  {tool:16}" + "".join(f"{c:>18}" for c in cells))


def trouble(results):
    """1 if base or one of our own tools failed, which is then said."""
    bad = 0
    for (python, row), tools in results.items():
        for tool in ("base", "heap", "heap --all", "sample"):
            for run in tools.get(tool, []):
                if "error" in run:
                    print(
                        f"bench-heap: {tool} on {row}, '{python}': {run['error']}", file=sys.stderr
                    )
                    bad = 1
    return bad

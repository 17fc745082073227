"""From measurements to the tables that people read."""

from statistics import median

import cases

import tools

SPREAD = 1.3


def values(results, key="ns"):
    return [r[key] for r in results if key in r]


def amount(ns):
    """Nanoseconds in a unit that fits."""
    for unit, size in (("ns", 1), ("us", 1e3), ("ms", 1e6)):
        if abs(ns) < 1000 * size or unit == "ms":
            return f"{ns / size:.{2 if abs(ns) < 10 * size else 1 if abs(ns) < 100 * size else 0}f} {unit}"
    raise AssertionError


def signed(ns):
    return ("-" if ns < 0 else "+") + amount(abs(ns))


class Row:
    """A tool's figures beside its base's."""

    def __init__(self, base, results):
        self.failed = next((r["error"] for r in results if "error" in r), None)
        mine, theirs = values(results), values(base)
        self.ok = bool(mine and theirs)
        if self.ok:
            self.best = min(mine)
            self.added = self.best - min(theirs)
            self.ratio = self.best / min(theirs)
            pairs = [m["ns"] / b["ns"] for m, b in zip(results, base) if "ns" in m and "ns" in b]
            self.median = median(pairs)


def show(known, told):
    """One interpreter's tables."""
    names = ("memline", "line_profiler", "psutil", "ipython")
    packages = ", ".join(f"{name} {known[name]}" for name in names)
    print(f"\nCPython {known['python']} ({known['compiler']}), engine {known['engine']}")
    print(f"{packages}, memory_profiler 0.61.0")
    for name, case in cases.CASES.items():
        if name in told:
            show_case(case, told[name])
    if "import" in told:
        show_imports(told["import"])
    if "accuracy" in told:
        show_accuracy(told["accuracy"])
    show_spec(told)


def show_case(case, results):
    base = results[case.tools[0]]
    best = values(base)
    if not best:
        print(f"\n{case.title}: the base failed: {base[0].get('error')}")
        return
    spread = max(best) / min(best)
    noisy = "  NOISY" if spread > SPREAD else ""
    print(f"\n{case.title}: base {amount(min(best))}, spread {spread:.2f}{noisy}")
    for tool in case.tools[1:]:
        row = Row(base, results[tool])
        title = tools.TOOLS[tool].title
        if row.failed:
            print(f"  {title:31} failed: {row.failed}")
        if row.ok:
            print(
                f"  {title:31} {signed(row.added):>9}   {row.ratio:9.2f}x"
                f"   median of pairs {row.median:9.2f}x"
            )


def show_imports(results):
    print("\nimport: processor time and resident memory added, best of all rounds")
    for tool, found in results.items():
        cpu, rss = values(found, "cpu"), values(found, "rss")
        if cpu:
            title = "import memline" if tool == "memline" else tools.TOOLS[tool].title
            print(f"  {title:31} {amount(min(cpu)):>9}   {min(rss) / 2**20:6.2f} MiB")


def show_accuracy(results):
    print("\naccuracy: worst error of a line's increment on a program whose answer is known")
    for tool, found in results.items():
        worst = values(found, "worst")
        if worst:
            print(f"  {tools.TOOLS[tool].title:31} {max(worst):12.2f} MiB")


def show_spec(told):
    """Section 4 of the compat spec, row by row."""
    rows = [(n, c) for n, c in cases.CASES.items() if c.spec is not None and n in told]
    if not rows:
        return
    print("\nmemory_profiler's costs (its specification, section 4), and ours")
    head = ("", "published", "here", "memline", "times", "aim")
    print("  {:66} {:>12} {:>9} {:>9} {:>7}  {}".format(*head))
    for name, case in rows:
        find = {tool.split(":")[0]: tool for tool in case.tools}
        base = told[name]["plain"]
        ours, theirs = (Row(base, told[name][find[t]]) for t in ("dropin", "original"))
        published, aim = case.spec
        here = amount(theirs.added) if theirs.ok else "-"
        mine = amount(ours.added) if ours.ok else "-"
        # Less than a clock can tell is told as one nanosecond.
        times = f"{theirs.added / max(ours.added, 1.0):.0f}" if ours.ok and theirs.ok else "-"
        verdict = "the kernel's read" if aim is None else f"<= {amount(aim)}"
        if aim is not None and ours.ok and ours.added > aim:
            verdict += "  MISSED"
        print(f"  {case.title:66} {published:>12} {here:>9} {mine:>9} {times:>7}  {verdict}")


def trouble(results):
    """1 if a tool of ours failed or a result was changed, else 0."""
    status = 0
    for (python, name), by_tool in results.items():
        for tool, found in by_tool.items():
            errors = [r["error"] for r in found if "error" in r]
            if errors and tool.split(":")[0] in ("plain", "memline", "memline-plain", "dropin"):
                print(f"FAILED: {name} {tool} {python}: {errors[0]}")
                status = 1
        checks = {str(r["check"]) for found in by_tool.values() for r in found if "check" in r}
        if len(checks) > 1:
            print(f"CHANGED RESULT: {name} {python}: {sorted(checks)}")
            status = 1
    return status

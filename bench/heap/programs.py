"""What is measured: a table of rows, each a program with its arguments and the functions that a user would name.

W1 ... W9       workloads.py, those of specs/profiling.md 5.1
NAME            the benchmark of that name of pyperformance, its file out of the environment's folder programs
NAME, N         a workload made so small that memory_profiler ends it
"""

import os
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = "programs/pyperformance/data-files/benchmarks"

# script: below HERE, or below the environment if it is pyperformance's. functions: patterns for --function, the body's
# own. environment: what inside/pyperf.py reads. few: (arguments, environment) for counting instructions, or None.
Row = namedtuple("Row", "name script arguments functions environment few")


def workload(name, functions=None, few=None, n=None):
    row = name if n is None else f"{name}, {n}"
    arguments = [name] if n is None else [name, str(n)]
    few = few and ([name, str(few)], {})
    return Row(row, "workloads.py", arguments, functions or [name], {}, few)


def standard(name, loops, functions, command="", bench=None, smaller=None, few=None):
    """command: folder and arguments, where they are not the name. few: (loops, smaller) for counting."""
    folder, *arguments = command.split() or [name]

    def told(loops, smaller=None):
        known = {"BENCH_NAME": bench or name, "BENCH_LOOPS": str(loops)}
        return {**known, "BENCH_SMALLER": smaller} if smaller else known

    script = f"{PROGRAMS}/bm_{folder}/run_benchmark.py"
    few = few and (arguments, told(*few))
    return Row(name, script, arguments, functions, told(loops, smaller), few)


PURE = "pickle --pure-python"
WORKLOADS = [
    workload("w1_churn", few=5_000),
    workload("w2_retain", few=5_000),
    workload("w3_calls", few=20),
    workload("w3b_calls_decorated", ["fib_lines"], few=18),
    workload("w4_json", few=1),
    workload("w5_numpy_large"),  # few instructions, much memory
    workload("w5b_numpy_small", few=3_000),
    workload("w6_async", ["leaf", "tree"]),  # async_tree has it
    workload("w7_threads", ["thread_body"]),  # threads take turns by the clock
    workload("w8_import"),
    workload("w9_lines", few=30_000),
]
# Loops so that the body takes some 0.2 s; pyflate's one takes 0.4. The last two hardly allocate.
STANDARD = [
    standard("json_dumps", 16, ["bench_json_dumps"], few=(1, "CASES=3")),
    standard("json_loads", 500, ["bench_json_loads"], few=(8,)),
    standard("pickle", 1200, ["bench_pickle"], "pickle pickle", few=(20,)),
    standard("pickle_pure_python", 40, ["bench_pickle"], f"{PURE} pickle", few=(1,)),
    standard("unpickle", 900, ["bench_unpickle"], "pickle unpickle", few=(12,)),
    standard("unpickle_pure_python", 50, ["bench_unpickle"], f"{PURE} unpickle", few=(1,)),
    standard("telco", 28, ["bench_telco"], few=(1,)),
    standard(
        "pprint",
        1,
        ["<module>"],
        bench="pprint_pformat",
        smaller="printable=12000",
        few=(1, "printable=200"),
    ),
    standard("sympy_integrate", 9, ["bench_*"], "sympy integrate"),
    standard("deepcopy", 600, ["benchmark"], few=(10,)),
    standard("xml_etree_process", 3, ["bench_*", "process"], "xml_etree process"),
    standard(
        "tomli_loads",
        1,
        ["bench_tomli_loads"],
        smaller="DATA_FILE=34417",  # up to a [[data]]
        few=(1, "DATA_FILE=333"),
    ),
    standard("html5lib", 3, ["bench_html5lib"]),
    standard("pyflate", 1, ["bench_pyflake"]),
    standard("sqlglot_v2_optimize", 3, ["bench_optimize"], "sqlglot_v2 optimize"),
    standard(
        "async_tree_none",
        3,
        ["recurse_with_gather", "workload_func"],
        "async_tree none",
        smaller="NUM_RECURSE_LEVELS=5",
        few=(1, "NUM_RECURSE_LEVELS=3"),
    ),
    standard("nbody", 2, ["bench_nbody"], few=(1, "DEFAULT_ITERATIONS=500")),
    standard("spectral_norm", 2, ["bench_spectral_norm"], few=(1, "DEFAULT_N=20")),
]
SMALL = [workload("w1_churn", n=2_000), workload("w9_lines", n=5_000)]
ROWS = WORKLOADS + STANDARD + SMALL
GROUPS = {"workloads": WORKLOADS, "pyperformance": STANDARD, "small": SMALL}
KNOWN = ["three_lines", "temporary", "leaks"]  # of known.py


def chosen(words):
    """The rows that words name, by name or group, in the table's order; all if there are none."""
    names = {row.name for word in words for row in GROUPS.get(word, ())} | set(words)
    return [row for row in ROWS if not words or row.name in names]


def script(row, python):
    home = os.path.dirname(os.path.dirname(python)) if row.script.startswith(PROGRAMS) else HERE
    return os.path.join(home, row.script)


def unknown(words):
    known = {row.name for row in ROWS} | set(GROUPS) | {"known"}
    return [word for word in words if word not in known]

"""What docs/kql.md says about the scope, held against the engine."""

import importlib.util
import re
from pathlib import Path

import blocks
import pytest

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "kql.md").read_text(encoding="utf-8")

REFUSED = {
    "graph-match": "print a=1 | graph-match (x)",
    "make-graph": "print a=1, b=2 | make-graph a --> b",
    "externaldata": "externaldata(x:string)['f.csv']",
    "external_table": "external_table('x')",
    "cluster()": "cluster('x').database('y').T",
    "database()": "database('y').T",
    "reduce": "print a='x' | reduce by a",
    "macro-expand": "macro-expand x as y (print 1)",
    "declare pattern": 'declare pattern p = (a:string) { ("x") = { print 1 }; }; p("x")',
    "evaluate": "print a=1 | evaluate autocluster()",
    "partition": "print k='a' | partition by k { print 1 }",
    "scan": "range x from 1 to 2 step 1 | scan with (step s output=last: true;)",
    "partition by": "range x from 1 to 2 step 1 | scan partition by x with (step s: true;)",
    "find": "find 'x'",
    "geo_*": "print geo_distance_2points(0, 0, 1, 1)",
    "convert_*": "print convert_mass(1.0, 'Kilogram', 'Pound')",
    "punycode_*": "print punycode_to_string('x')",
    "series_*": "print series_decompose(dynamic([1, 2]))",
    "top-hitters": "datatable(g:string)['a', 'b'] | top-hitters 1 of g",
}


def scope():
    spec = importlib.util.spec_from_file_location("kql_scope", str(ROOT / "tools/kql_scope.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_of_functions_is_that_of_the_tables():
    assert scope().with_table(DOC) == DOC, "run tools/kql_scope.py --write"


def test_every_operator_is_told():
    text = (ROOT / "src/kql/parse_op.c").read_text(encoding="utf-8")
    words = re.findall(r'^    \{"([a-z-]+)", "[a-z-]+", rule_\w+\},', text, re.MULTILINE)
    assert len(words) > 40
    old = {"mvexpand", "mvapply"}
    missing = [word for word in words if f"`{word}`" not in DOC and word not in old]
    assert missing == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_told_and_named(program, name):
    assert f"`{name}`" in DOC
    error = blocks.run_batch(program, [REFUSED[name]])[0]["error"]
    assert error["code"] in ("ML101", "ML209"), error
    word = {"partition by": "partition", "evaluate": "autocluster"}.get(name, name)
    assert word.rstrip("*()").split("_")[0] in error["message"], error


def test_what_is_refused_in_the_table_is_tried():
    rows = re.search(r"\| refused \| instead \|\n.*\n((?:\|.*\n)+)", DOC).group(1)
    names = [
        name for row in rows.splitlines() for name in re.findall("`([^`]+)`", row.split("|")[1])
    ]
    assert set(names) - {"output=last"} <= set(REFUSED), names

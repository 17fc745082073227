"""fork and facet: several results of one statement."""

import blocks
import pytest

ROWS = 'datatable(k:string, v:long)["a", 1, "a", 2, "b", 3] | where v > 0 '


def tables(program, query, *options):
    answer = blocks.run_batch(program, [query], *options)[0]
    return [(t["columns"], t["rows"]) for t in answer["result"]["tables"]]


@pytest.mark.parametrize("options", [(), ("--no-optimizer",)], ids=["optimized", "plain"])
def test_fork_gives_a_table_for_each(program, options):
    query = ROWS + '| fork (where k == "a" | count) total = (summarize s = sum(v)) (top 1 by v)'
    got = tables(program, query + "; print 7", *options)
    assert [rows for _, rows in got] == [[[2]], [[6]], [["b", 3]], [[7]]]
    assert [c["name"] for c in got[1][0]] == ["s"]


@pytest.mark.parametrize("options", [(), ("--no-optimizer",)], ids=["optimized", "plain"])
def test_facet_counts_each_column(program, options):
    query = ROWS + "| facet by k, v with (where v > 1 | project v | sort by v desc)"
    got = tables(program, query, *options)
    assert [[c["name"] for c in columns] for columns, _ in got] == [
        ["k", "count_k"],
        ["v", "count_v"],
        ["v"],
    ]
    assert sorted(got[0][1]) == [["a", 2], ["b", 1]]
    assert got[2][1] == [[3], [2]]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("print 1 | fork (take 1) | count", "but at the end of a statement"),
        ("let T = (print 1 | facet by print_0); T", "but at the end of a statement"),
        ("print 1 | fork", "'(' expected"),
        ("print d = 1 | facet by d + 1", "facet takes columns"),
    ],
)
def test_what_they_do_not_take(program, query, says):
    assert says in blocks.run_batch(program, [query])[0]["error"]["message"]

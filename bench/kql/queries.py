# ruff: noqa: E501, UP031
"""The queries: one row each, in KQL and as the SQL that gives the same rows.

`kinds` has a letter a column: t time, s text, i number. `sql` is what DuckDB runs and what the others run where
they have no text of their own. {now}, {day}, ... are times as each engine writes them (engines.py). Where an
engine has several ways to say it, the quickest of those that we tried stands here.
"""

from typing import Dict, NamedTuple


class Query(NamedTuple):
    name: str
    kinds: str
    kql: str
    sql: str
    chdb: str = ""
    sqlite: str = ""

    def text(self, engine: str) -> str:
        return {"chdb": self.chdb, "sqlite": self.sqlite}.get(engine) or self.sql


# The published query of the Python memory profiler's page; WHERE is its first line after the table.
PUBLISHED = """traces{where}
| where message startswith_cs "memory_profiler_logs:"
| parse message with "memory_profiler_logs: " LineNumber "  " TotalMem_MiB "  " IncreMem_MiB "  " Occurences "  " Contents
| union (
    traces{where}
    | where message startswith_cs "memory_profiler_logs: Filename: "
    | parse message with "memory_profiler_logs: Filename: " FileName
    | project timestamp, FileName, itemId
)
| project timestamp, LineNumber=iff(FileName != "", FileName, LineNumber), TotalMem_MiB, IncreMem_MiB, Occurences, Contents, RequestId=itemId
| order by timestamp asc"""

# Splitting at double blanks is what the pattern's lazy columns do; fewer than five parts is no match.
PUBLISHED_DUCKDB = """
WITH lines AS (SELECT timestamp, message, itemId,
    CASE WHEN starts_with(message, 'memory_profiler_logs: ') THEN string_split(substr(message, 23), '  ') ELSE [] END AS p
  FROM traces WHERE starts_with(message, 'memory_profiler_logs:') {and_where})
SELECT timestamp,
    CASE WHEN len(p) >= 5 THEN p[1] ELSE '' END AS LineNumber,
    CASE WHEN len(p) >= 5 THEN p[2] ELSE '' END AS TotalMem_MiB,
    CASE WHEN len(p) >= 5 THEN p[3] ELSE '' END AS IncreMem_MiB,
    CASE WHEN len(p) >= 5 THEN p[4] ELSE '' END AS Occurences,
    CASE WHEN len(p) >= 5 THEN array_to_string(p[5:], '  ') ELSE '' END AS Contents, itemId AS RequestId FROM lines
UNION ALL SELECT timestamp, substr(message, 33), '', '', '', '', itemId
  FROM traces WHERE starts_with(message, 'memory_profiler_logs: Filename: ') {and_where}
ORDER BY timestamp"""

PUBLISHED_CHDB = """
SELECT * FROM (
SELECT timestamp, if(length(p) >= 5, p[1], '') AS LineNumber, if(length(p) >= 5, p[2], '') AS TotalMem_MiB,
    if(length(p) >= 5, p[3], '') AS IncreMem_MiB, if(length(p) >= 5, p[4], '') AS Occurences,
    if(length(p) >= 5, arrayStringConcat(arraySlice(p, 5), '  '), '') AS Contents, itemId AS RequestId
  FROM (SELECT timestamp, itemId,
      if(startsWith(message, 'memory_profiler_logs: '), splitByString('  ', substring(message, 23)), []) AS p
    FROM traces WHERE startsWith(message, 'memory_profiler_logs:') {and_where})
UNION ALL SELECT timestamp, substring(message, 33), '', '', '', '', itemId
  FROM traces WHERE startsWith(message, 'memory_profiler_logs: Filename: ') {and_where})
ORDER BY timestamp"""

PUBLISHED_SQLITE = """
WITH a AS (SELECT timestamp, itemId, substr(message, 1, 22) = 'memory_profiler_logs: ' AS ok, substr(message, 23) AS r
    FROM traces WHERE message >= 'memory_profiler_logs:' AND message < 'memory_profiler_logs;' {and_where}),
  b AS (SELECT *, instr(r, '  ') AS n1 FROM a), c AS (SELECT *, substr(r, n1 + 2) AS r1 FROM b),
  d AS (SELECT *, instr(r1, '  ') AS n2 FROM c), e AS (SELECT *, substr(r1, n2 + 2) AS r2 FROM d),
  f AS (SELECT *, instr(r2, '  ') AS n3 FROM e), g AS (SELECT *, substr(r2, n3 + 2) AS r3 FROM f),
  h AS (SELECT *, instr(r3, '  ') AS n4 FROM g), i AS (SELECT *, ok AND n1 AND n2 AND n3 AND n4 AS full FROM h)
SELECT timestamp, iif(full, substr(r, 1, n1 - 1), '') AS LineNumber, iif(full, substr(r1, 1, n2 - 1), ''),
    iif(full, substr(r2, 1, n3 - 1), ''), iif(full, substr(r3, 1, n4 - 1), ''), iif(full, substr(r3, n4 + 2), ''), itemId FROM i
UNION ALL SELECT timestamp, substr(message, 33), '', '', '', '', itemId
  FROM traces WHERE substr(message, 1, 32) = 'memory_profiler_logs: Filename: ' {and_where}
ORDER BY 1"""


def published(name: str, kql_where: str, sql_where: str) -> Query:
    kql, duckdb, chdb, sqlite = (
        t.replace("{where}", kql_where).replace("{and_where}", sql_where)
        for t in (PUBLISHED, PUBLISHED_DUCKDB, PUBLISHED_CHDB, PUBLISHED_SQLITE)
    )
    return Query(name, "tssssss", kql, duckdb, chdb, sqlite)


QUERIES = [
    published("published, one day", "\n| where timestamp > ago(1d)", "AND timestamp > {day}"),
    published("published, all", "", ""),
    Query(
        "prefix, count",
        "i",
        'traces | where message startswith_cs "memory_profiler_logs:" | count',
        "SELECT count(*) FROM traces WHERE starts_with(message, 'memory_profiler_logs:')",
        "SELECT count() FROM traces WHERE startsWith(message, 'memory_profiler_logs:')",
        "SELECT count(*) FROM traces WHERE message >= 'memory_profiler_logs:' AND message < 'memory_profiler_logs;'",
    ),
    Query(
        "contains, count",
        "i",
        'traces | where message contains "timeout" | count',
        "SELECT count(*) FROM traces WHERE contains(lower(message), 'timeout')",
        "SELECT count() FROM traces WHERE positionCaseInsensitive(message, 'timeout') > 0",
        "SELECT count(*) FROM traces WHERE message LIKE '%timeout%'",
    ),
    Query(
        "has, count",
        "i",
        'traces | where message has "timeout" | count',
        r"SELECT count(*) FROM traces WHERE contains(lower(message), 'timeout') "
        r"AND regexp_matches(message, '(?i)(^|[^\p{L}\p{N}])timeout($|[^\p{L}\p{N}])')",
        "SELECT count() FROM traces WHERE hasTokenCaseInsensitive(message, 'timeout')",
        "SELECT count(*) FROM traces WHERE message LIKE '%timeout%' "
        "AND ' ' || lower(message) || ' ' GLOB '*[^a-z0-9]timeout[^a-z0-9]*'",
    ),
    Query(
        "filter, rows",
        "tsss",
        'traces | where timestamp > ago(7d) and severityLevel >= 3 and operation_Name == "GetOrders" '
        "| project timestamp, message, operation_Id, cloud_RoleInstance",
        "SELECT timestamp, message, operation_Id, cloud_RoleInstance FROM traces "
        "WHERE timestamp > {week} AND severityLevel >= 3 AND operation_Name = 'GetOrders'",
    ),
    Query(
        "by hour and severity",
        "tii",
        "traces | summarize n=count() by hour=bin(timestamp, 1h), severityLevel",
        "SELECT date_trunc('hour', timestamp), severityLevel, count(*) FROM traces GROUP BY ALL",
        "SELECT toStartOfHour(timestamp), severityLevel, count() FROM traces GROUP BY 1, 2",
        "SELECT timestamp - timestamp % 3600000000, severityLevel, count(*) FROM traces GROUP BY 1, 2",
    ),
    Query(
        "by operation, top",
        "sit",
        "traces | summarize n=count(), last=max(timestamp) by operation_Id | top 10 by last",
        "SELECT operation_Id, count(*), max(timestamp) AS last FROM traces GROUP BY 1 ORDER BY last DESC LIMIT 10",
    ),
    Query(
        "top",
        "tss",
        "traces | where severityLevel == 3 | top 100 by timestamp asc "
        "| project timestamp, message, operation_Id",
        "SELECT timestamp, message, operation_Id FROM traces WHERE severityLevel = 3 ORDER BY timestamp LIMIT 100",
    ),
    Query(
        "top by text",
        "st",
        "traces | top 20 by itemId desc | project itemId, timestamp",
        "SELECT itemId, timestamp FROM traces ORDER BY itemId DESC LIMIT 20",
    ),
    Query(
        "join",
        "sii",
        "traces | where severityLevel >= 3 | summarize errors=count() by operation_Id "
        '| join kind=inner (traces | where message startswith_cs "Executed " '
        "| project operation_Id, operation_Name) on operation_Id "
        "| summarize operations=count(), errors=sum(errors) by operation_Name",
        "SELECT r.operation_Name, count(*), sum(errors) FROM (SELECT operation_Id, count(*) AS errors FROM traces "
        "WHERE severityLevel >= 3 GROUP BY 1) l JOIN (SELECT operation_Id, operation_Name FROM traces "
        "WHERE starts_with(message, 'Executed ')) r ON l.operation_Id = r.operation_Id GROUP BY 1",
        "SELECT r.operation_Name, count(), sum(errors) FROM (SELECT operation_Id, operation_Name FROM traces "
        "WHERE startsWith(message, 'Executed ')) r JOIN (SELECT operation_Id, count() AS errors FROM traces "
        "WHERE severityLevel >= 3 GROUP BY 1) l ON l.operation_Id = r.operation_Id GROUP BY 1",
        # Without these two hints its planner compares every row with every other.
        "WITH l AS MATERIALIZED (SELECT operation_Id, count(*) AS errors FROM traces WHERE severityLevel >= 3 GROUP BY 1) "
        "SELECT r.operation_Name, count(*), sum(errors) FROM traces r CROSS JOIN l ON l.operation_Id = r.operation_Id "
        "WHERE r.message >= 'Executed ' AND r.message < 'Executed!' GROUP BY 1",
    ),
    Query(
        "dynamic member, one day",
        "si",
        "traces | where timestamp > ago(1d) | summarize n=count() by level=tostring(customDimensions.LogLevel)",
        "SELECT json_extract_string(customDimensions, '$.LogLevel'), count(*) FROM traces "
        "WHERE timestamp > {day} GROUP BY 1",
        "SELECT JSONExtractString(customDimensions, 'LogLevel'), count() FROM traces WHERE timestamp > {day} GROUP BY 1",
        "SELECT customDimensions ->> 'LogLevel', count(*) FROM traces WHERE timestamp > {day} GROUP BY 1",
    ),
]


def times(query: str, values: Dict[str, str]) -> str:
    for name, value in values.items():
        query = query.replace("{" + name + "}", value)
    return query

"""azure-kusto-data against the address given; what it got, as JSON."""

import json
import sys

from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.exceptions import KustoServiceError
from azure.kusto.data.helpers import dataframe_from_result_table

client = KustoClient(KustoConnectionStringBuilder.with_no_authentication(sys.argv[1]))
seen = {}

answer = client.execute_query(
    "db", "traces | project message, severityLevel | order by message asc"
)
seen["rows"] = [list(row) for row in answer.primary_results[0]]
seen["columns"] = [[c.column_name, c.column_type] for c in answer.primary_results[0].columns]

types = client.execute_query(
    "db",
    "print t=datetime(2020-02-29 01:02:03.4567891), p=time(1.02:03:04.5), d=dynamic({'a':[1,2]}), b=true,"
    " r=1.5, n=long(null), i=int(7), s='\\u00e9', g=guid(74be27de-1e4e-49d9-b579-fe0b331d3642),"
    " nan=real(nan), none=datetime(null)",
).primary_results[0]
seen["types"] = [str(value) for value in types[0]]

tables = client.execute_mgmt("db", ".show tables").primary_results[0]
seen["tables"] = [row["TableName"] for row in tables]
schema = client.execute_mgmt("db", ".show table traces schema as json").primary_results[0]
seen["first_column"] = json.loads(schema[0]["Schema"])["OrderedColumns"][0]

try:
    client.execute_query("db", "traces | where nope == 1")
except KustoServiceError as error:
    seen["semantic"] = error.is_semantic_error()
    seen["error"] = str(error)
try:
    client.execute_query("db", "traces | where")
except KustoServiceError as error:
    seen["syntax"] = not error.is_semantic_error()

large = client.execute_query(
    "db", "range i from 1 to 100000 step 1 | project i, s=strcat('row ', i)"
)
frame = dataframe_from_result_table(large.primary_results[0])
seen["large"] = [len(frame), int(frame["i"].sum()), frame["s"].iloc[-1]]

properties = ClientRequestProperties()
properties.set_parameter("n", "5")
properties.set_option("query_now", "2020-01-01T00:00:00Z")
bound = client.execute_query(
    "db", "declare query_parameters(n:long); print n + 1, now()", properties
).primary_results[0]
seen["bound"] = [str(value) for value in bound[0]]

properties = ClientRequestProperties()
properties.set_option("truncationmaxrecords", 10)
try:
    client.execute_query("db", "range i from 1 to 100 step 1", properties)
    seen["truncated"] = "silently"
except KustoServiceError as error:
    seen["truncated"] = str(error)

print(json.dumps(seen))

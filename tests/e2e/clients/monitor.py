"""azure-monitor-query against the https address given; what it got, as JSON."""

import json
import sys
import time
from datetime import datetime, timedelta, timezone

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryClient, LogsQueryStatus


class Credential:
    def get_token(self, *scopes, **options):
        return AccessToken("a token", int(time.time()) + 3600)


client = LogsQueryClient(Credential(), endpoint=sys.argv[1] + "/v1")
seen = {}
answer = client.query_workspace(
    "workspace",
    "AppTraces | project Message, SeverityLevel, Properties, TimeGenerated | order by Message asc",
    timespan=timedelta(days=1),
)
seen["status"] = answer.status == LogsQueryStatus.SUCCESS
table = answer.tables[0]
seen["columns"] = list(table.columns)
seen["types"] = list(table.columns_types)
seen["rows"] = [[str(cell) for cell in list(row)[:3]] for row in table.rows]
long_ago = (datetime(2000, 1, 1, tzinfo=timezone.utc), datetime(2001, 1, 1, tzinfo=timezone.utc))
old = client.query_workspace("workspace", "AppTraces | count", timespan=long_ago)
seen["old"] = [list(row) for row in old.tables[0].rows]
try:
    client.query_workspace("workspace", "AppTraces | where", timespan=None)
except HttpResponseError as error:
    seen["error"] = [error.status_code, error.error.code, error.error.innererror["code"]]
large = client.query_workspace(
    "workspace",
    "range i from 1 to 100000 step 1 | project i, s=strcat('row ', i)",
    timespan=None,
    include_statistics=True,
    include_visualization=True,
    server_timeout=60,
)
seen["large"] = len(large.tables[0].rows)
seen["statistics"] = "query" in large.statistics
chart = client.query_workspace(
    "workspace",
    "print x=1, y=2 | render timechart with (title='T', ycolumns=x, y)",
    timespan=None,
    include_visualization=True,
)
seen["chart"] = chart.visualization
print(json.dumps(seen))

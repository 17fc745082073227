"""Kqlmagic in IPython against the address given; what it got, as JSON on the last line."""

import json
import os
import sys

os.environ["KQLMAGIC_LOAD_MODE"] = "silent"
os.environ["KQLMAGIC_NOTEBOOK_APP"] = "jupyterlab"  # else it looks for a browser
os.environ["KQLMAGIC_CONFIGURATION"] = "auto_popup_schema=False"

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402

shell = InteractiveShell.instance()
address = sys.argv[1]


def kql(line):
    """The result, and what it would show in a notebook."""
    with capture_output() as shown:
        result = shell.run_line_magic("kql", line)
    return result, " ".join(str(output.data) for output in shown.outputs) + shown.stdout


with capture_output():
    shell.run_line_magic("load_ext", "Kqlmagic")
kql(f"appinsights://appid='app';appkey='key';datasourceurl='{address}'")
seen = {}
answer = kql("traces | project message, severityLevel | order by message asc")[0]
seen["rows"] = answer.to_dataframe().values.tolist()
seen["error"] = "nope" in kql("traces | where nope == 1")[1]
seen["large"] = len(kql("range i from 1 to 100000 step 1 | project i, s = strcat('row ', i)")[0])
kql(f'azure_data_explorer://anonymous;cluster="{address}";database="memline"')
seen["count"] = kql("traces | count")[0].to_dataframe().values.tolist()
seen["tables"] = kql(".show tables")[0].to_dataframe()["TableName"].tolist()
chart = kql("print x = 1 | render timechart with (title='T')")[0]
seen["chart"] = chart.visualization
print(json.dumps(seen))

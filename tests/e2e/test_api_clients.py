"""Unmodified clients of Azure, pointed at memline."""

import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = Path(__file__).resolve().parent / "clients"
KEY = "11111111-2222-4333-8444-555555555555"


def envelope(message: str, level: int, **properties: str) -> Dict[str, Any]:
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "iKey": KEY,
        "name": "Microsoft.ApplicationInsights.Message",
        "data": {
            "baseType": "MessageData",
            "baseData": {"message": message, "severityLevel": level, "properties": properties},
        },
    }


def fill(server: Any) -> None:
    body = [envelope("one", 1, k="v"), envelope("two é", 2)]
    status, answer, _ = server.ask("/v2.1/track", body)
    assert (status, answer) == (200, {"itemsReceived": 2, "itemsAccepted": 2, "errors": []})


def client(command: List[str], cwd: Optional[Path] = None, **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        env={**os.environ, "PYTHONPATH": "", **env},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_kusto_client(serve: Callable[..., Any], azure_clients: str) -> None:
    server = serve()
    fill(server)
    address = f"http://localhost:{server.port}"
    seen = json.loads(client([azure_clients, str(CLIENTS / "kusto.py"), address]))
    assert seen["rows"] == [["one", 1], ["two é", 2]]
    assert seen["columns"] == [["message", "string"], ["severityLevel", "int"]]
    assert seen["types"] == [
        "2020-02-29 01:02:03.456789+00:00",
        "1 day, 2:03:04.500000",
        "{'a': [1, 2]}",
        "True",
        "1.5",
        "None",
        "7",
        "é",
        "74be27de-1e4e-49d9-b579-fe0b331d3642",
        "NaN",
        "None",
    ]
    assert {"traces", "requests", "AppTraces", "lines"} <= set(seen["tables"])
    assert seen["first_column"]["Name"] == "timestamp"
    assert seen["semantic"] is True
    assert "'nope'" in seen["error"]
    assert seen["syntax"] is True
    assert seen["large"] == [100000, 5000050000, "row 100000"]
    assert seen["bound"] == ["6", "2020-01-01 00:00:00+00:00"]
    assert "E_QUERY_RESULT_SET_TOO_LARGE" in seen["truncated"]


@pytest.fixture(scope="session")
def node_kusto() -> Path:
    """A folder with npm's azure-kusto-data."""
    folder = ROOT / ".venvs" / "npm-clients"
    if shutil.which("npm") is None:
        pytest.skip("there is no npm")
    if not (folder / "node_modules" / "azure-kusto-data").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "azure-kusto-data@7"],
            cwd=str(folder),
            check=True,
            timeout=300,
        )
    return folder


@pytest.mark.timeout(400)
def test_node_kusto_client(serve: Callable[..., Any], azure_clients: str, node_kusto: Path) -> None:
    server = serve()
    fill(server)
    script = node_kusto / "kusto.mjs"
    shutil.copy(str(CLIENTS / "kusto.mjs"), str(script))
    seen = json.loads(client(["node", str(script), server.url]))
    assert seen["columns"] == [["message", "string"], ["severityLevel", "int"]]
    assert seen["rows"] == [["one", 1], ["two é", 2]]
    assert "AppTraces" in seen["tables"]
    assert "SEM0100" in seen["error"]
    assert seen["large"] == 100000


def certificate(folder: Path) -> List[str]:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
        + ["/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    return ["--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]


def test_log_analytics_client_over_https(
    serve: Callable[..., Any], azure_clients: str, memline_program: str, tmp_path: Path
) -> None:
    plain = serve()
    fill(plain)
    plain.stop()
    server = serve(*certificate(tmp_path))
    address = f"https://localhost:{server.port}"
    command = [azure_clients, str(CLIENTS / "monitor.py"), address]
    seen = json.loads(client(command, REQUESTS_CA_BUNDLE=str(tmp_path / "cert.pem")))
    assert seen["status"] is True
    assert seen["columns"] == ["Message", "SeverityLevel", "Properties", "TimeGenerated"]
    assert seen["types"] == ["string", "int", "dynamic", "datetime"]
    assert seen["rows"] == [["one", "1", '{"k":"v"}'], ["two é", "2", "None"]]
    assert seen["old"] == [[0]]
    assert seen["error"] == [400, "BadArgumentError", "SyntaxError"]
    assert seen["large"] == 100000
    assert seen["statistics"] is True
    assert seen["chart"]["visualization"] == "timechart"
    assert (seen["chart"]["title"], seen["chart"]["yColumns"]) == ("T", ["x", "y"])
    assert (seen["chart"]["xColumn"], seen["chart"]["yMin"]) == (None, "NaN")


def test_kqlmagic(serve: Callable[..., Any], kqlmagic: str, tmp_path: Path) -> None:
    server = serve()
    fill(server)
    command = [kqlmagic, str(CLIENTS / "kqlmagic.py"), server.url]
    seen = json.loads(client(command, tmp_path, HOME=str(tmp_path)).splitlines()[-1])
    assert seen["rows"] == [["one", 1], ["two é", 2]]
    assert seen["error"] is True
    assert seen["large"] == 100000
    assert seen["count"] == [[2]]
    assert {"traces", "requests", "AppTraces", "lines"} <= set(seen["tables"])
    assert seen["chart"] == "timechart"


def test_opentelemetry_exporter(serve: Callable[..., Any], azure_clients: str) -> None:
    server = serve()
    where = f"InstrumentationKey={KEY};IngestionEndpoint={server.url}/;LiveEndpoint={server.url}/"
    client([azure_clients, str(CLIENTS / "opentelemetry_send.py"), where])
    assert server.rows(
        "traces | project message, severityLevel, item=tostring(customDimensions.item), cloud_RoleName, iKey"
    ) == [["only 3 left", 2, "lamp", "shop", KEY]]
    requests = server.rows("requests | project name, url, success, resultCode, operation_Id, id")
    assert [row[:4] for row in requests] == [
        ["GET /orders", "http://shop/orders?id=1", "True", "200"]
    ]
    assert server.rows("dependencies | project target, operation_Id, operation_ParentId") == [
        ["stock", requests[0][4], requests[0][5]]
    ]
    assert server.rows("exceptions | project outerType, outerMessage, operation_Id") == [
        ["ValueError", "out of stock ☃", requests[0][4]]
    ]
    metrics = "customMetrics | where name in ('orders', 'latency') | order by name asc"
    assert server.rows(metrics + " | project name, valueSum, valueCount, valueMin, valueMax") == [
        ["latency", 12.0, 2, 5.0, 7.0],
        ["orders", 3.0, 1, 3.0, 3.0],
    ]


def test_opencensus_exporter(serve: Callable[..., Any], azure_clients: str) -> None:
    server = serve()
    where = f"InstrumentationKey={KEY};IngestionEndpoint={server.url}"
    client([azure_clients, str(CLIENTS / "opencensus_send.py"), where])
    assert server.rows(
        "traces | project message, severityLevel, tostring(customDimensions.part)"
    ) == [["it broke", 3, "left"]]
    assert server.rows("exceptions | project outerType, severityLevel") == [["KeyError", 3]]
    assert server.rows("dependencies | project name, type") == [["parent", "INPROC"]]

"""func start with a real Azurite: queue triggers and outputs, blob triggers, inputs and outputs, in both models."""

import importlib.util
import json
import random
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from azurite import Azurite, settings, until
from funchost import Host, environment, write_app

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("azure") is None
    or importlib.util.find_spec("azure.functions") is None,
    reason="azure-functions is not installed here",
)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: Any) -> Iterator[Azurite]:
    server = Azurite(tmp_path_factory.mktemp("azurite"))
    server.start()
    yield server
    server.stop()


HEAD = """
import json, logging, os, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""

QUEUES = (
    HEAD
    + """
@app.queue_trigger(arg_name="msg", queue_name="%QUEUE_IN%", connection="STORE")
@app.queue_output(arg_name="out", queue_name="v2-out", connection="STORE")
def forward(msg: func.QueueMessage, out: func.Out[str]) -> None:
    out.set(json.dumps({
        "id": msg.id, "body": msg.get_body().decode(), "count": msg.dequeue_count,
        "inserted": msg.insertion_time.isoformat(), "expires": msg.expiration_time.isoformat(),
        "visible": msg.time_next_visible.isoformat(), "receipt": msg.pop_receipt}))

@app.queue_trigger(arg_name="msg", queue_name="v2-bad", connection="STORE")
def bad(msg: func.QueueMessage) -> None:
    logging.info("try %d of %s", msg.dequeue_count, msg.get_body().decode())
    raise RuntimeError("never works")

@app.queue_trigger(arg_name="msg", queue_name="v2-retry", connection="STORE")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
def again(msg: str, context: func.Context) -> None:
    logging.info("again %s %d", msg, context.retry_context.retry_count)
    if context.retry_context.retry_count < 2:
        raise RuntimeError("not yet")

@app.route(route="send", methods=["POST"])
@app.queue_output(arg_name="many", queue_name="v2-many", connection="STORE")
@app.queue_output(arg_name="one", queue_name="v2-{query.to}", connection="STORE")
def send(req: func.HttpRequest, many: func.Out[func.QueueMessage], one: func.Out[str]) -> str:
    many.set([func.QueueMessage(body="m%d" % n) if n % 2 else "m%d" % n for n in range(3)])
    one.set(req.get_body().decode())
    return "sent"

@app.queue_trigger(arg_name="msg", queue_name="v2-slow", connection="STORE")
def slow(msg: str) -> None:
    time.sleep(float(msg))
    logging.info("slept %s", msg)
"""
)

V1_QUEUE = {
    "Copy/function.json": json.dumps(
        {
            "scriptFile": "__init__.py",
            "bindings": [
                {
                    "type": "queueTrigger",
                    "direction": "in",
                    "name": "msg",
                    "queueName": "v1-in",
                    "connection": "STORE",
                },
                {
                    "type": "queue",
                    "direction": "out",
                    "name": "$return",
                    "queueName": "v1-out",
                    "connection": "STORE",
                },
                {
                    "type": "blob",
                    "direction": "out",
                    "name": "note",
                    "path": "v1-notes/{kind}/{rand-guid}.txt",
                    "connection": "STORE",
                },
            ],
        }
    ),
    "Copy/__init__.py": """
import azure.functions as func

def main(msg: func.QueueMessage, note: func.Out[str]) -> str:
    note.set("note of " + msg.id)
    return "copy of " + msg.get_json()["text"]
""",
}


HOST = json.dumps(
    {
        "version": "2.0",
        "extensions": {
            "queues": {"maxPollingInterval": "00:00:00.200", "maxDequeueCount": 3, "batchSize": 4}
        },
        "memline": {"queueLease": "00:00:02"},
    }
)


@pytest.fixture(scope="module")
def queues(memline_program: str, storage: Azurite, tmp_path_factory: Any) -> Iterator[Host]:
    root = write_app(
        tmp_path_factory.mktemp("queues") / "app",
        {
            "function_app.py": QUEUES,
            "host.json": HOST,
            "local.settings.json": settings(STORE=storage.connection, QUEUE_IN="V2-In"),
            **V1_QUEUE,
        },
    )
    with Host(memline_program, root) as host:
        yield host


def test_a_message_runs_its_function_once_with_all_its_metadata(
    queues: Host, storage: Azurite
) -> None:
    storage.put("v2-in", "h\u00e4llo <&> w\u00f6rld")
    out = json.loads(until(lambda: storage.peek("v2-out"))[0].decoded)
    assert out["body"] == "h\u00e4llo <&> w\u00f6rld"
    assert out["count"] == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", out["id"])
    assert all(out[k].endswith("+00:00") for k in ("inserted", "expires", "visible"))
    assert out["inserted"] < out["visible"] < out["expires"]
    assert out["receipt"]
    until(lambda: storage.count("v2-in") == 0)
    queues.line(r"Executing 'Functions.forward' \(Reason='New queue message detected on 'v2-in'")
    queues.line(rf"Trigger Details: MessageId: {out['id']}, DequeueCount: 1, InsertionTime: \S+")


def test_functions_of_both_models_are_listed_as_running(queues: Host) -> None:
    text = queues.text()
    for name in ("forward", "bad", "slow", "Copy"):
        assert f"\t{name}: queueTrigger\n" in text
    assert "not run here" not in text


def test_a_message_that_always_fails_goes_to_the_poison_queue(
    queues: Host, storage: Azurite
) -> None:
    storage.put("v2-bad", "rotten")
    poison = until(lambda: storage.peek("v2-bad-poison"))
    assert poison[0].decoded == "rotten"
    until(lambda: storage.count("v2-bad") == 0)
    for n in (1, 2, 3):
        queues.line(rf"try {n} of rotten")
    assert "try 4 of rotten" not in queues.text()
    queues.line("Message has reached MaxDequeueCount of 3. Moving message to queue 'v2-bad-poison'")


def test_a_retry_policy_is_used_up_before_the_message_counts_as_failed(
    queues: Host, storage: Azurite
) -> None:
    storage.put("v2-retry", "once")
    queues.line(r"again once 2")
    until(lambda: storage.count("v2-retry") == 0)
    assert [f"again once {n}" in queues.text() for n in range(4)] == [True, True, True, False]
    assert storage.count("v2-retry-poison") == 0


def test_what_is_no_base64_goes_to_the_poison_queue_as_it_is(
    queues: Host, storage: Azurite
) -> None:
    storage.put("v2-retry", "plain text!", raw=True)
    poison = until(lambda: storage.peek("v2-retry-poison"))
    assert poison[0].text == "plain text!"
    queues.line("Message decoding has failed! Check MessageEncoding settings.")


def test_classic_function_returns_a_message_and_names_a_blob_by_the_message(
    queues: Host, storage: Azurite
) -> None:
    storage.put("v1-in", json.dumps({"text": "this", "kind": "memo"}))
    assert until(lambda: storage.peek("v1-out"))[0].decoded == "copy of this"
    names = until(lambda: storage.names("v1-notes"))
    assert len(names) == 1
    assert re.fullmatch(r"memo/[0-9a-f-]{36}\.txt", names[0])
    assert (storage.blob("v1-notes/" + names[0]) or b"").startswith(b"note of ")


def test_http_function_sends_messages_in_order_before_it_answers(
    queues: Host, storage: Azurite
) -> None:
    status, _, body = queues.ask("/api/send?to=one", "POST", b"a <b> & c")
    assert (status, body) == (200, b"sent")
    assert [m.decoded for m in storage.peek("v2-many")] == ["m0", "m1", "m2"]
    assert [m.decoded for m in storage.peek("v2-one")] == ["a <b> & c"]


def test_output_that_cannot_be_written_fails_the_invocation(queues: Host) -> None:
    status, _, _ = queues.ask("/api/send?to=bad_name", "POST", b"x")
    assert status == 500
    queues.line(
        r"Nothing could be written for the output 'one': the storage at '.*' refused it: 400"
    )
    assert queues.ask("/api/send", "POST", b"x")[0] == 500
    queues.line(
        "Nothing could be written for the output 'one': No value for named parameter 'query.to'"
    )


def test_a_lease_is_renewed_while_the_function_runs(queues: Host, storage: Azurite) -> None:
    storage.put("v2-slow", "5")  # the lease is 2 s
    queues.line("slept 5", timeout=60)
    until(lambda: storage.count("v2-slow") == 0)
    time.sleep(0.5)
    assert queues.text().count("Executing 'Functions.slow'") == 1


def test_many_messages_are_all_run(queues: Host, storage: Azurite) -> None:
    before = storage.count("v2-out")
    for n in range(60):
        storage.put("v2-in", f"n{n}")
    until(lambda: storage.count("v2-out") - before == 60)
    until(lambda: storage.count("v2-in") == 0)


def test_one_account_away_is_one_warning_and_polling_goes_on_when_it_is_back(
    memline_program: str, tmp_path: Path
) -> None:
    server = Azurite(tmp_path / "azurite")
    root = write_app(
        tmp_path / "app",
        {
            "function_app.py": HEAD
            + """
@app.route(route="hi")
def hi(req: func.HttpRequest) -> str:
    return "hi"

@app.queue_trigger(arg_name="msg", queue_name="late", connection="AzureWebJobsStorage")
def late(msg: str) -> None:
    logging.info("got %s", msg)

@app.blob_trigger(arg_name="b", path="late/{name}", connection="AzureWebJobsStorage")
def blob(b: func.InputStream) -> None:
    logging.info("blob %s", b.name)
""",
            "local.settings.json": settings(AzureWebJobsStorage=server.connection),
        },
    )
    with Host(memline_program, root) as host:
        away = host.line(
            r"The storage of connection 'AzureWebJobsStorage' does not answer at "
            rf"'http://127.0.0.1:({server.ports['blob']}|{server.ports['queue']})/devstoreaccount1'"
        )
        assert away
        assert host.ask("/api/hi")[2] == b"hi"
        server.start()
        try:
            host.line("The storage of connection 'AzureWebJobsStorage' answers at")
            storage_put(server)
            host.line("got first")
            host.line("blob late/a.txt")
            server.stop()
            until(lambda: host.text().count("does not answer at") == 2)
            server.start()
            server.put("late", "second")
            host.line("got second")
        finally:
            server.stop()
        assert host.text().count("does not answer at") in (2, 3)  # the last: our own stop


def test_a_failed_message_is_seen_again_after_a_restart_and_a_reload(
    memline_program: str, storage: Azurite, tmp_path: Path
) -> None:
    """Its lease is a minute: what waits for a retry is given back when the host ends or reloads."""
    app = (
        HEAD
        + """
@app.queue_trigger(arg_name="msg", queue_name="given-back", connection="STORE")
@app.retry(strategy="fixed_delay", max_retry_count="5", delay_interval="00:10:00")
def waits(msg: func.QueueMessage) -> None:
    logging.info("GENERATION %s %d", msg.get_body().decode(), msg.dequeue_count)
    raise RuntimeError("not now")
"""
    )
    files = {
        "function_app.py": app.replace("GENERATION", "first"),
        "host.json": HOST.replace('"00:00:02"', '"00:10:00"'),
        "local.settings.json": settings(STORE=storage.connection),
    }
    root = write_app(tmp_path / "app", files)
    storage.put("given-back", "m")
    with Host(memline_program, root) as host:
        host.line("first m 1")
        host.line(r"Executed 'Functions.waits' \(Failed")
    assert [m.dequeue_count for m in storage.peek("given-back")] == [1]
    with Host(memline_program, root) as host:
        host.line("first m 2")
        host.line(r"Executed 'Functions.waits' \(Failed")
        (root / "function_app.py").write_text(app.replace("GENERATION", "second"))
        host.line("second m 3")


def test_the_templates_run_against_the_emulator_where_everybody_has_it(
    memline_program: str, tmp_path: Path
) -> None:
    """UseDevelopmentStorage=true, but for the address: port 10000 of 127.0.0.1 may be somebody's."""
    address = "127." + ".".join(str(random.randint(1, 254)) for _ in range(3))
    server = Azurite(tmp_path / "azurite", address, usual=True)
    home = tmp_path / "home"
    home.mkdir()

    def func(*arguments: str, cwd: Path) -> None:
        command = [memline_program, "func", *arguments]
        subprocess.run(command, cwd=str(cwd), env=environment(home), check=True, timeout=60)

    func("init", "app", "--python", cwd=tmp_path)
    root = tmp_path / "app"
    func("new", "-t", "Queue trigger", "-n", "Quick", cwd=root)
    func("new", "-t", "BlobTrigger", "-n", "Blobby", "-m", "v1", cwd=root)
    text = (root / "local.settings.json").read_text()
    assert '"UseDevelopmentStorage=true"' in text
    (root / "local.settings.json").write_text(
        text.replace("=true", f"=true;DevelopmentStorageProxyUri=http://{address}")
    )
    server.start()
    try:
        with Host(memline_program, root) as host:
            server.put("myqueue", "hello")
            host.line("Python Queue trigger processed a message: hello")
            server.make_container("samples-workitems")
            server.put_blob("samples-workitems/a.txt", b"12345")
            host.line(r"processed blob samples-workitems/a.txt \(5 bytes\)")
    finally:
        server.stop()


def storage_put(server: Azurite) -> None:
    server.put("late", "first")
    server.make_container("late")
    server.put_blob("late/a.txt", b"1")


def test_missing_setting_is_told_by_name_and_the_rest_is_served(
    memline_program: str, tmp_path: Path
) -> None:
    root = write_app(
        tmp_path / "app",
        {
            "function_app.py": HEAD
            + """
@app.route(route="hi")
def hi(req: func.HttpRequest) -> str:
    return "hi"

@app.queue_trigger(arg_name="msg", queue_name="q", connection="NOT_THERE")
def lost(msg: str) -> None:
    logging.info("by hand: %s", msg)

@app.queue_trigger(arg_name="msg", queue_name="Not_A_Name", connection="AzureWebJobsStorage")
def misnamed(msg: str) -> None:
    pass
""",
            "local.settings.json": settings(AzureWebJobsStorage="UseDevelopmentStorage=true"),
        },
    )
    with Host(memline_program, root) as host:
        host.line(
            r"The function 'lost' is not run here: 'queueTrigger' needs a storage account. Missing "
            r"value for NOT_THERE in local.settings.json. Set it to UseDevelopmentStorage=true"
        )
        host.line(r"The 'misnamed' function is in error: 'not_a_name' is not a valid queue name")
        assert host.ask("/api/hi")[2] == b"hi"
        assert host.ask("/admin/functions/lost", "POST", b'{"input":"hello"}')[0] == 202
        host.line("by hand: hello")


BLOBS = (
    HEAD
    + """
@app.blob_trigger(arg_name="b", path="incoming/{name}.{ext}", connection="AzureWebJobsStorage")
@app.blob_output(arg_name="out", path="outgoing/{name}-copy.{ext}", connection="AzureWebJobsStorage")
@app.blob_input(arg_name="side", path="side/{name}.json", connection="AzureWebJobsStorage")
def copy(b: func.InputStream, out: func.Out[bytes], side: str) -> None:
    logging.info("copy %s length=%s uri=%s by=%s side=%s type=%s", b.name, b.length, b.uri,
                 b.metadata, side, b.blob_properties["ContentType"])
    out.set(b.read())

@app.blob_trigger(arg_name="b", path="rotten/{name}", connection="AzureWebJobsStorage")
def rotten(b: bytes) -> None:
    logging.info("rotten %s", b.decode())
    raise RuntimeError("never works")

@app.queue_trigger(arg_name="msg", queue_name="wanted", connection="AzureWebJobsStorage")
@app.blob_input(arg_name="b", path="store/{queueTrigger}", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="out", queue_name="found", connection="AzureWebJobsStorage")
def fetch(msg: str, b: func.InputStream, out: func.Out[str]) -> None:
    out.set("nothing" if b is None else "%d of %s" % (len(b.read()), msg))

@app.route(route="save/{name}", methods=["PUT"])
@app.blob_output(arg_name="out", path="saved/{name}", connection="AzureWebJobsStorage")
def save(req: func.HttpRequest, out: func.Out[bytes]) -> func.HttpResponse:
    out.set(req.get_body())
    return func.HttpResponse(status_code=201)

@app.route(route="load/{name}", methods=["GET"])
@app.blob_input(arg_name="b", path="saved/{name}", connection="AzureWebJobsStorage")
def load(req: func.HttpRequest, b: func.InputStream) -> func.HttpResponse:
    return func.HttpResponse(status_code=404) if b is None else func.HttpResponse(b.read())
"""
)

V1_BLOB = {
    "Upper/function.json": json.dumps(
        {
            "bindings": [
                {"type": "blobTrigger", "direction": "in", "name": "b", "path": "v1-in/{name}"},
                {"type": "blob", "direction": "out", "name": "$return", "path": "v1-out/{name}"},
            ]
        }
    ),
    "Upper/__init__.py": """
import azure.functions as func

def main(b: func.InputStream) -> str:
    return b.read().decode().upper()
""",
}


@pytest.fixture(scope="module")
def blob_app(storage: Azurite, tmp_path_factory: Any) -> Path:
    return write_app(
        tmp_path_factory.mktemp("blobs") / "app",
        {
            "function_app.py": BLOBS,
            "host.json": json.dumps(
                {
                    "version": "2.0",
                    "extensions": {
                        "queues": {"maxPollingInterval": "00:00:00.200"},
                        "blobs": {"poisonBlobThreshold": 2},
                    },
                }
            ),
            "local.settings.json": settings(AzureWebJobsStorage=storage.connection),
            **V1_BLOB,
        },
    )


@pytest.fixture(scope="module")
def blobs(memline_program: str, blob_app: Path) -> Iterator[Host]:
    with Host(memline_program, blob_app) as host:
        yield host


def test_a_new_blob_runs_its_function_with_its_metadata(blobs: Host, storage: Azurite) -> None:
    storage.make_container("incoming")
    storage.make_container("side")
    name = "a b/\u00fcber.tar"
    storage.put_blob("side/" + name + ".json", b'{"x":1}')
    storage.put_blob("incoming/" + name + ".gz", b"content", by="me")
    storage.put_blob("incoming/no_extension", b"not for us")
    assert until(lambda: storage.blob("outgoing/" + name + "-copy.gz")) == b"content"
    line = blobs.line(r"copy (.*) length=7 uri=(\S+)/incoming/.* by=(.*) side=(.*) type=text/plain")
    assert line.group(1) == "incoming/" + name + ".gz"
    assert line.group(3) == "{'by': 'me'}"
    assert line.group(4) == '{"x":1}'
    blobs.line(r"Reason='New blob detected\(LogsAndContainerScan\): incoming/a b/")
    assert "no_extension" not in blobs.text()


def test_a_changed_blob_runs_again(blobs: Host, storage: Azurite) -> None:
    storage.make_container("v1-in")
    storage.put_blob("v1-in/x", b"first")
    assert until(lambda: storage.blob("v1-out/x")) == b"FIRST"
    storage.put_blob("v1-in/x", b"second")
    until(lambda: storage.blob("v1-out/x") == b"SECOND")


def test_a_blob_that_always_fails_is_told_to_the_poison_queue(
    blobs: Host, storage: Azurite
) -> None:
    storage.make_container("rotten")
    storage.put_blob("rotten/egg", b"old")
    told = json.loads(until(lambda: storage.peek("webjobs-blobtrigger-poison"))[0].decoded)
    assert (told["ContainerName"], told["BlobName"]) == ("rotten", "egg")
    assert told["FunctionId"] == "Host.Functions.rotten"
    time.sleep(1.5)  # more than a scan
    assert blobs.text().count("rotten old") == 2


def test_a_message_names_the_blob_to_read(blobs: Host, storage: Azurite) -> None:
    storage.make_container("store")
    storage.put_blob("store/big.bin", b"x" * 3_000_000)
    storage.put("wanted", "big.bin")
    assert until(lambda: storage.peek("found"))[0].decoded == "3000000 of big.bin"
    storage.put("wanted", "missing")
    until(lambda: [m.decoded for m in storage.peek("found")][1:] == ["nothing"])


@pytest.mark.parametrize("size", [0, 10, 1 << 20, (5 << 20) + 1])
def test_http_saves_and_loads_blobs_of_any_length(blobs: Host, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"y" * (size % 256)
    assert blobs.ask(f"/api/save/f{size}", "PUT", data)[0] == 201
    status, _, loaded = blobs.ask(f"/api/load/f{size}")
    assert status == 200
    assert loaded == data
    assert blobs.ask("/api/load/nothing")[0] == 404


def test_receipts_outlive_the_host(
    memline_program: str, blob_app: Path, blobs: Host, storage: Azurite
) -> None:
    """Last: it ends the host of the module and starts another in the same project."""
    storage.make_container("v1-in")
    storage.put_blob("v1-in/kept", b"kept")
    until(lambda: storage.blob("v1-out/kept") == b"KEPT")
    blobs.line(r"Executed 'Functions.Upper' \(Succeeded")
    blobs.__exit__()
    storage.put_blob("v1-in/new", b"one more")
    with Host(memline_program, blob_app) as host:
        until(lambda: storage.blob("v1-out/new"))
        time.sleep(1.5)
        assert host.text().count("Executing 'Functions.Upper'") == 1
        assert "Executing 'Functions.copy'" not in host.text()
        assert "Executing 'Functions.rotten'" not in host.text()

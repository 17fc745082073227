"""Records: none is lost, each finds its invocation, and user code shapes the text."""

import time
from typing import Any, Callable, Dict, List

import pytest
from app_files import HEAD
from fakehost import http


def texts(logs: List[Dict[str, Any]]) -> List[str]:
    return [log["message"] for log in logs]


LEVELS = (
    HEAD
    + """
logging.addLevelName(5, "TRACE")
@app.route(route="f")
def f(req) -> str:
    log = logging.getLogger("my.logger")
    log.setLevel(1)
    for level in (5, 10, 20, 30, 40, 50, 60, 25):
        log.log(level, "at %d", level)
    log.log(20, "three\\nlines\\n\\n")
    log.info("lone \\ud800 surrogate, n\\0ul, and \\U0001f600")
    log.info("x" * (2 << 20))
    try:
        {}["k"]
    except KeyError:
        log.exception("failed")
    made = {"msg": "made by hand", "levelno": 20, "exc_info": "odd", "exc_text": "text"}
    logging.getLogger().handle(logging.makeLogRecord(made))
    logging.getLogger("azure.functions.x").info("of the library")
    logging.getLogger("azure_functions_worker").info("of the worker")
    return ""
"""
)


def test_level_text_and_logger(app: Callable[..., Any]) -> None:
    before = time.time()
    logs = app({"function_app.py": LEVELS}).get("f").logs
    assert [(log["level"], log["message"]) for log in logs[:8]] == [
        (n, f"at {n}") for n in (5, 10, 20, 30, 40, 50, 60, 25)
    ]
    assert {log["logger"] for log in logs[:8]} == {"my.logger"}
    assert {log["id"] for log in logs} == {"inv-1"}
    assert logs[0]["thread"].startswith("ThreadPoolExecutor-")
    assert before - 1 < logs[0]["time"] < time.time() + 1
    assert logs[8]["message"] == "three\nlines\n\n"
    assert logs[9]["message"] == "lone ? surrogate, n\0ul, and \U0001f600"
    assert len(logs[10]["message"]) == 1 << 20
    assert logs[11]["message"].startswith("failed\nTraceback (most recent call last):\n")
    assert logs[11]["exception"]["type"] == "KeyError"
    assert logs[11]["exception"]["message"] == "KeyError: 'k'"
    assert logs[11]["exception"]["traceback"].endswith("KeyError: 'k'\n")
    assert [log["system"] for log in logs] == [False] * 13 + [True, True]


FORMATTER = (
    HEAD
    + """
import sys
handler = logging.getLogger().handlers[0]
handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
logging.basicConfig(stream=sys.stdout, format="never")
class Filter(logging.Filter):
    def filter(self, record):
        return "secret" not in record.getMessage()
@app.route(route="f")
def f(req) -> str:
    logging.getLogger("memory_profiler_logs").info("line\\n")
    logging.info("of the root")
    handler.addFilter(Filter())
    logging.info("secret")
    handler.setLevel(logging.ERROR)
    logging.warning("too low")
    logging.error("high enough")
    return str(logging.getLogger().handlers == [handler])
"""
)


def test_the_handler_is_an_ordinary_one(app: Callable[..., Any]) -> None:
    result = app({"function_app.py": FORMATTER}).get("f")
    assert result.messages() == [
        "memory_profiler_logs: line\n",
        "root: of the root",
        "root: high enough",
    ]
    assert result.frame["return"]["v"] == "True"


CONSOLE = (
    HEAD
    + """
@app.route(route="f")
def f(req) -> str:
    logging.info("19  45.1 MiB", extra={"memline_console": "  19     45.1 MiB", "memline_fields": {"Line": 19}})
    logging.info("hidden", extra={"memline_console": ""})
    return ""
"""
)


def test_another_text_for_the_console(app: Callable[..., Any]) -> None:
    logs = app({"function_app.py": CONSOLE}).get("f").logs
    assert (logs[0]["message"], logs[0]["console"], logs[0]["fields"]) == (
        "19  45.1 MiB",
        "  19     45.1 MiB",
        {"Line": "19"},
    )
    assert logs[1]["console"] == ""


def test_a_record_that_cannot_be_formatted(app: Callable[..., Any]) -> None:
    code = (
        '@app.route(route="f")\ndef f(req) -> str:\n    logging.info("%d", "x")\n'
        '    logging.info("after")\n    return ""\n'
    )
    host = app({"function_app.py": HEAD + code})
    assert host.get("f").messages() == ["after"]
    host.exit()
    assert "--- Logging error ---" in host.stderr


OUTSIDE = (
    HEAD
    + """
import atexit, threading, time
logging.info("at import")
atexit.register(lambda: logging.info("at exit"))
def bare():
    while True:
        time.sleep(0.05)
        if go:
            logging.info("from a bare thread")
            break
go = []
threading.Thread(target=bare).start()

@app.route(route="f")
def f(req) -> str:
    def late(text):
        time.sleep(0.1)
        logging.info(text)
    threading.Thread(target=late, args=("after return",)).start()
    timer = threading.Timer(0.15, logging.info, ("from a timer",))
    timer.start()
    go.append(1)
    return ""

@app.route(route="g")
async def g(req) -> str:
    import asyncio
    async def later():
        await asyncio.sleep(0.1)
        logging.info("from a task after return")
    g.task = asyncio.create_task(later())
    asyncio.get_running_loop().call_later(0.05, logging.info, "from a callback")
    return ""
"""
)


def test_records_outside_of_an_invocation(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": OUTSIDE})
    assert [(log["message"], log["id"]) for log in host.logs] == [("at import", None)]
    first = host.get("f")
    assert first.logs == []
    host.get("g")
    time.sleep(0.4)
    assert host.exit() == 0
    assert {log["message"]: log["id"] for log in host.logs} == {
        "at import": None,
        "from a bare thread": None,
        "after return": "inv-1",
        "from a timer": "inv-1",
        "from a callback": "inv-2",
        "from a task after return": "inv-2",
        "at exit": None,
    }


MANY = (
    HEAD
    + """
import asyncio, concurrent.futures, contextvars, threading, time
shared = concurrent.futures.ThreadPoolExecutor(4)

def log(who, where):
    logging.info("%s %s", who, where)

def in_thread(who, context):
    context.thread_local_storage.invocation_id = context.invocation_id
    time.sleep(0.002)
    log(who, "told thread")

@app.route(route="s")
def s(req, context) -> str:
    who = req.params["who"]
    log(who, "begin")
    time.sleep(0.003)
    threads = [threading.Thread(target=in_thread, args=(who, context)),
               threading.Thread(target=log, args=(who, "own thread"))]
    for t in threads: t.start()
    for t in threads: t.join()
    async def inner():
        await asyncio.sleep(0.001)
        log(who, "own loop")
    asyncio.run(inner())
    assert context.thread_local_storage.invocation_id == context.invocation_id
    shared.submit(contextvars.copy_context().run, log, who, "copied context").result()
    log(who, "end")
    return who

@app.route(route="a")
async def a(req, context) -> str:
    who = req.params["who"]
    log(who, "begin")
    async def task(n):
        for _ in range(3):
            await asyncio.sleep(0.001 * n)
            log(who, "task %d" % n)
    await asyncio.gather(*(task(n) for n in range(3)))
    await asyncio.get_running_loop().run_in_executor(None, log, who, "executor")
    assert context.thread_local_storage.invocation_id == context.invocation_id
    log(who, "end")
    return who
"""
)


def test_concurrent_invocations_are_never_confused(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": MANY})
    calls = {
        f"{kind}{n}": host.send_invoke(kind, req=http(query={"who": f"{kind}{n}"}))
        for n in range(40)
        for kind in ("s", "a")
    }
    for who, call in calls.items():
        result = host.result(call)
        assert result.frame["return"]["v"] == who
        assert {m.split()[0] for m in result.messages()} == {who}
        assert len(result.messages()) == (6 if who[0] == "s" else 12)
    assert not [log for log in host.logs if log["id"] is None]


def test_threads_of_a_shared_executor_are_nobodys(app: Callable[..., Any]) -> None:
    """They were started by one invocation and serve others: a guess would be wrong."""
    code = """
import concurrent.futures
shared = concurrent.futures.ThreadPoolExecutor(1)
@app.route(route="f")
def f(req) -> str:
    shared.submit(logging.info, "pooled").result()
    return ""
"""
    host = app({"function_app.py": HEAD + code})
    host.get("f")
    host.get("f")
    assert [(log["message"], log["id"]) for log in host.logs] == [("pooled", None)] * 2


@pytest.mark.parametrize("how", ["sync", "async"])
def test_context_variables_end_with_the_invocation(app: Callable[..., Any], how: str) -> None:
    code = f"""
import contextvars
var = contextvars.ContextVar("var", default="clean")
@app.route(route="f")
{"async " if how == "async" else ""}def f(req) -> str:
    seen = var.get()
    var.set("dirty")
    return seen
"""
    host = app({"function_app.py": HEAD + code}, threads=1)
    assert [host.get("f").frame["return"]["v"] for _ in range(3)] == ["clean"] * 3


def test_print_comes_before_the_result(app: Callable[..., Any]) -> None:
    code = """
import sys
@app.route(route="f")
def f(req) -> str:
    print("line")
    sys.stdout.write("no newline")
    sys.stderr.write("to stderr")
    if req.params.get("fail"):
        1/0
    return ""
"""
    host = app({"function_app.py": HEAD + code})
    host.get("f")
    assert host.stdout == "line\nno newline"
    assert host.stderr == "to stderr"
    host.get("f", req=http(query={"fail": "1"}))
    assert host.stdout == "line\nno newlineline\nno newline"


def test_logging_from_del_while_logging(app: Callable[..., Any]) -> None:
    code = """
import gc
class Loud:
    def __del__(self):
        logging.info("collected")
@app.route(route="f")
def f(req) -> str:
    gc.set_threshold(1)
    for n in range(300):
        loud = Loud()
        loud.cycle = loud
        del loud
        logging.info("n %d", n)
    gc.set_threshold(700)
    gc.collect()
    return ""
"""
    messages = app({"function_app.py": HEAD + code}).get("f").messages()
    assert messages.count("collected") == 300
    assert [m for m in messages if m != "collected"] == [f"n {n}" for n in range(300)]


def test_heavy_logging_arrives_in_order(app: Callable[..., Any]) -> None:
    code = (
        '@app.route(route="f")\ndef f(req) -> str:\n    for n in range(5000):\n'
        '        logging.info("%d " + "x" * 100, n)\n    return ""\n'
    )
    messages = app({"function_app.py": HEAD + code}).get("f").messages()
    assert [int(m.split()[0]) for m in messages] == list(range(5000))

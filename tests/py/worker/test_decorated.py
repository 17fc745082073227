"""The second programming model: decorators in function_app.py."""

import uuid
from typing import Any, Callable

import pytest
from app_files import HEAD, folder
from fakehost import http

ROUTE = '\n@app.route(route="{0}")\ndef {0}(req: func.HttpRequest) -> str:\n    return "{0}"\n'


def names(host: Any) -> "list[str]":
    return [f["name"] for f in host.index["functions"]]


def test_functions_as_declared(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HEAD
            + """
@app.function_name("Renamed")
@app.route(route="a/{id:int?}", methods=["GET", func.HttpMethod.POST], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="msg", queue_name="q", connection="AzureWebJobsStorage")
async def a(req: func.HttpRequest, msg: func.Out[str]) -> func.HttpResponse:
    msg.set("sent")
    return func.HttpResponse("a")

@app.schedule(schedule="0 */5 * * * *", arg_name="tick", run_on_startup=True)
def timer(tick: func.TimerRequest) -> None:
    logging.info("past due: %s", tick.past_due)
"""
        }
    )
    a = host.function("Renamed")
    assert a["id"] == str(uuid.uuid5(uuid.NAMESPACE_OID, "Renamed"))
    assert (a["model"], a["async"], a["script_file"], a["entry_point"]) == (
        "v2",
        True,
        "function_app.py",
        "Renamed",
    )
    assert a["directory"] == str(host.root)
    kinds = {b["name"]: (b["type"], b["direction"].lower()) for b in a["bindings"]}
    assert kinds == {
        "req": ("httpTrigger", "in"),
        "msg": ("queue", "out"),
        "$return": ("http", "out"),
    }
    trigger = next(b for b in a["bindings"] if b["name"] == "req")
    assert trigger["route"] == "a/{id:int?}"
    assert [m.upper() for m in trigger["methods"]] == ["GET", "POST"]
    result = host.get("Renamed")
    assert result.body == b"a"
    assert result.frame["outputs"] == {"msg": {"t": "string", "v": "sent"}}
    assert host.function("timer")["async"] is False
    assert host.invoke("timer", tick={"t": "json", "v": '{"IsPastDue": true}'}).messages() == [
        "past due: True"
    ]


def test_retry_policies(make_host: Callable[..., Any], newest_python: str) -> None:
    host = make_host(
        newest_python,
        {
            "function_app.py": HEAD
            + """
@app.schedule(schedule="0 * * * * *", arg_name="t")
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:05")
def fixed(t): pass

@app.schedule(schedule="0 * * * * *", arg_name="t")
@app.retry(strategy="exponential_backoff", max_retry_count="-1", minimum_interval="00:00:01",
           maximum_interval="00:01:00")
def backing(t): pass
"""
        },
    )
    host.start()
    assert host.function("fixed")["retry"] == {
        "strategy": "fixedDelay",
        "maxRetryCount": 3,
        "delayInterval": "00:00:05",
    }
    assert host.function("backing")["retry"] == {
        "strategy": "exponentialBackoff",
        "maxRetryCount": -1,
        "minimumInterval": "00:00:01",
        "maximumInterval": "00:01:00",
    }


def test_blueprints_of_the_same_and_of_another_folder(app: Callable[..., Any]) -> None:
    blueprint = (
        'import azure.functions as func\nbp = func.Blueprint()\n@bp.route(route="{0}")\n'
        "def {0}(req, context) -> str:\n    return context.function_directory\n"
    )
    host = app(
        {
            "function_app.py": HEAD
            + "from near import bp as near\nfrom parts.far import bp as far\n"
            + "app.register_functions(near)\napp.register_blueprint(far)\n"
            + ROUTE.format("own"),
            "near.py": blueprint.format("nearby"),
            "parts/far.py": blueprint.format("faraway"),
        }
    )
    assert sorted(names(host)) == ["faraway", "nearby", "own"]
    assert host.get("nearby").frame["return"]["v"] == str(host.root)
    assert host.get("faraway").frame["return"]["v"] == str(host.root / "parts")


def test_another_script_file(app: Callable[..., Any]) -> None:
    host = app(
        {"main_app.py": HEAD + ROUTE.format("f"), "function_app.py": "1/0"},
        script_file="main_app.py",
    )
    assert host.index["error"] is None
    assert host.function("f")["script_file"] in ("main_app.py", "function_app.py")
    assert host.get("f").frame["return"]["v"] == "f"


def test_one_app_under_two_names_is_one_app(app: Callable[..., Any]) -> None:
    assert names(app({"function_app.py": HEAD + ROUTE.format("f") + "same = app\n"})) == ["f"]


FAILURES = {
    "syntax error": ("def f(:\n", "SyntaxError: "),
    "raises": ("1/0\n", "ZeroDivisionError: division by zero"),
    "exits": ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "no app": (
        "x = 1\n",
        "ValueError: Could not find top level function app instances in function_app.py.",
    ),
    "only a blueprint": (
        "import azure.functions as func\nbp = func.Blueprint()\n",
        "ValueError: Could not find top level function app instances in function_app.py.",
    ),
    "two apps": (
        HEAD + "other = func.FunctionApp()\n",
        "ValueError: More than one FunctionApp or other top level function app instances are defined.",
    ),
    "missing module": (
        "import nowhere_to_be_found\n",
        "ModuleNotFoundError: No module named 'nowhere_to_be_found'. Cannot find module. ",
    ),
    "no trigger": (
        HEAD + '@app.queue_output(arg_name="m", queue_name="q", connection="c")\ndef f(m): pass\n',
        "ValueError: ",
    ),
    "parameter without binding": (
        HEAD + '@app.route(route="f")\ndef f(req, other) -> str: return ""\n',
        "FunctionLoadError: cannot load the f function: the following parameters are declared in Python "
        "but not in function.json: {'other'}",
    ),
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_one_error_fails_the_index(app: Callable[..., Any], name: str) -> None:
    code, text = FAILURES[name]
    host = app({"function_app.py": code})
    assert host.index["functions"] == []
    assert host.index["error"]["message"].startswith(text)
    stack = host.index["error"]["stack"]
    assert host.index["error"]["type"] in stack.splitlines()[-1]
    if name == "syntax error":
        assert stack.startswith(f'  File "{host.root}/function_app.py", line 1\n')
    assert host.exit() == 0


def test_the_stack_of_an_import_error_is_the_users(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": "import deeper\n",
            "deeper.py": "def go():\n    raise KeyError('k')\ngo()\n",
        }
    )
    stack = host.index["error"]["stack"].splitlines()
    assert stack[0] == "Traceback (most recent call last):"
    assert stack[1] == f'  File "{host.root}/function_app.py", line 1, in <module>'
    assert "_memline_worker" not in host.index["error"]["stack"]
    assert "memline/worker" not in host.index["error"]["stack"]


def test_duplicate_names_are_refused(app: Callable[..., Any]) -> None:
    twice = (
        HEAD
        + '@app.route(route="a")\ndef f(req) -> str: return ""\n\n@app.route(route="b")\ndef f(req) -> str: return ""\n'
    )
    host = app({"function_app.py": twice})
    assert "does not have a unique function name" in host.index["error"]["message"]


def test_a_bad_script_name(app: Callable[..., Any]) -> None:
    host = app({}, script_file="../evil.py")
    assert host.index["error"]["message"] == "InvalidFileNameError: Invalid file name: ../evil.py"


def test_an_empty_app_reads_the_folders(app: Callable[..., Any]) -> None:
    for files in ({}, {"function_app.py": HEAD}):
        host = app({**files, **folder("F", "def main(req): return 'v1'\n")})
        assert host.index["error"] is None
        assert names(host) == ["F"]
        assert host.logs == []
        assert host.get("F").frame["return"]["v"] == "v1"


def test_both_forms_in_one_app(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HEAD + ROUTE.format("new") + ROUTE.format("both"),
            **folder("old", "def main(req): return 'old'\n"),
            **folder("Both", "def main(req): return 'never'\n"),
        }
    )
    assert [(f["name"], f["model"], f["error"] is None) for f in host.index["functions"]] == [
        ("new", "v2", True),
        ("both", "v2", True),
        ("Both", "v1", False),
        ("old", "v1", True),
    ]
    assert (
        host.function("Both")["error"]["message"]
        == "A function named 'Both' is already defined by a decorator."
    )
    assert len({f["id"] for f in host.index["functions"]}) == 4
    assert [host.get(n).frame["return"]["v"] for n in ("new", "both", "old")] == [
        "new",
        "both",
        "old",
    ]


def test_folders_are_served_when_the_app_file_fails(app: Callable[..., Any]) -> None:
    host = app({"function_app.py": "1/0", **folder("F", "def main(req): return 'v1'\n")})
    assert host.index["error"]["type"] == "ZeroDivisionError"
    assert host.get("F").frame["ok"]


def test_filter(app: Callable[..., Any]) -> None:
    host = app(
        {"function_app.py": HEAD + ROUTE.format("a") + ROUTE.format("b"), **folder("c", "1/0")},
        functions=["B"],
    )
    assert names(host) == ["b"]


def test_decorator_order_and_none_return(app: Callable[..., Any]) -> None:
    """A route function has a $return binding, so None cannot be encoded: 500, as in the original."""
    host = app({"function_app.py": HEAD + '@app.route(route="f")\ndef f(req):\n    pass\n'})
    assert host.get("f").error["message"] == (
        'TypeError: unable to encode outgoing TypedData: unsupported type "http" for Python type "NoneType"'
    )


def test_import_runs_inside_the_loop(app: Callable[..., Any]) -> None:
    host = app(
        {
            "function_app.py": HEAD
            + """
import asyncio
async def later():
    await asyncio.sleep(0)
    logging.info("the task ran")
task = asyncio.get_event_loop().create_task(later())
@app.route(route="f")
async def f(req) -> str:
    await task
    return "done"
"""
        }
    )
    assert host.get("f", req=http()).frame["return"]["v"] == "done"
    assert [log["message"] for log in host.logs] == ["the task ran"]

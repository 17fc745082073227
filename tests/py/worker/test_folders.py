"""The first programming model: function.json folders."""

from typing import Any, Callable, Dict, Optional

import pytest
from app_files import RETURN, TRIGGER, config, folder
from fakehost import http

MAIN = "def main(req): return {!r}\n"
HTTP = [TRIGGER, RETURN]


def errors_of(host: Any) -> Dict[str, Optional[str]]:
    return {f["name"]: f["error"] and f["error"]["message"] for f in host.index["functions"]}


def test_every_way_to_lay_out_a_function(app: Callable[..., Any]) -> None:
    host = app(
        {
            **folder("Plain", "import logging\nlogging.info('body ran')\n" + MAIN.format("plain")),
            **folder("Named", "def go(req): return 'named'\n", entryPoint="go"),
            **folder("Script", MAIN.format("script"), script="run.py"),
            **folder(
                "Sub",
                "from . import near\nfrom ...Shared import far\ndef main(req): return near.X + far.Y\n",
                script="deep/er.py",
            ),
            "Sub/deep/near.py": "X = 'near '\n",
            "Shared/far.py": "Y = 'far'\n",
            "Outside/function.json": config(scriptFile="../Shared/entry.py"),
            "Shared/entry.py": MAIN.format("shared entry"),
            "OnlyFile/function.json": config(scriptFile=None),
            "OnlyFile/whatever.py": MAIN.format("only file"),
            "TwoFiles/function.json": config(scriptFile=""),
            "TwoFiles/__init__.py": MAIN.format("init wins"),
            "TwoFiles/other.py": "1/0\n",
            **folder(
                "AppImport",
                "import __app__.Shared.far as f\nfrom __app__ import helper\nimport helper as h\n"
                "def main(req): return f.Y + helper.Z + h.Z\n",
            ),
            "helper.py": "Z = '!'\n",
            **folder(
                "email",
                "import email\ndef main(req): return 'stdlib ' + str(hasattr(email, 'message_from_string'))\n",
            ),
            "not_a_function/readme.txt": "",
        }
    )
    assert errors_of(host) == dict.fromkeys(
        ["AppImport", "email", "Named", "OnlyFile", "Outside", "Plain", "Script", "Sub", "TwoFiles"]
    )
    assert [f["name"] for f in host.index["functions"]] == sorted(errors_of(host), key=str.lower)
    answers = {f["name"]: host.get(f["name"]).frame["return"]["v"] for f in host.index["functions"]}
    assert answers == {
        "AppImport": "far!!",
        "email": "stdlib True",
        "Named": "named",
        "OnlyFile": "only file",
        "Outside": "shared entry",
        "Plain": "plain",
        "Script": "script",
        "Sub": "near far",
        "TwoFiles": "init wins",
    }
    assert [log["message"] for log in host.logs] == ["body ran"], "a module's body runs once"
    plain = host.function("Plain")
    assert plain["model"] == "v1"
    assert plain["directory"] == str(host.root / "Plain")
    assert plain["script_file"] == str(host.root / "Plain" / "__init__.py")
    assert plain["bindings"] == HTTP
    assert host.function("Named")["entry_point"] == "go"


def test_installed_package_wins_over_a_module_of_the_app(app: Callable[..., Any]) -> None:
    host = app(
        {
            ".python_packages/lib/site-packages/clash.py": "WHO = 'package'\n",
            "clash.py": "WHO = 'app'\n",
            **folder(
                "F",
                "import clash\nimport __app__.clash as own\ndef main(req): return clash.WHO + ' ' + own.WHO\n",
            ),
        }
    )
    assert host.get("F").frame["return"]["v"] == "package app"


def trigger(kind: str, name: str = "req") -> Dict[str, Any]:
    return {"type": kind, "direction": "in", "name": name}


BAD_CONFIGS = {
    "bad name!": (config(), "'bad name!' is not a valid function name."),
    "1starts": (config(), "'1starts' is not a valid function name."),
    "Host": (config(), "'Host' is not a valid function name."),
    "NoBindings": ('{"bindings": []}', "At least one binding must be declared."),
    "NoBindingsKey": ("{}", "At least one binding must be declared."),
    "OddBindings": ('{"bindings": [1]}', "At least one binding must be declared."),
    "TwoTriggers": (
        config(trigger("httpTrigger"), trigger("timerTrigger", "t")),
        "Multiple trigger bindings defined. A function can only have a single trigger binding.",
    ),
    "NoTrigger": (
        config(RETURN),
        "No trigger binding specified. A function must have a trigger input binding.",
    ),
    "SameName": (
        config(TRIGGER, {"type": "queue", "direction": "out", "name": "req"}),
        "Multiple bindings with name 'req' discovered. Binding names must be unique.",
    ),
    "NoScript": (
        config(scriptFile="gone.py"),
        "Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist.",
    ),
    "NoInit": (
        config(scriptFile=None),
        "Unable to determine the primary function script: there is no '__init__.py', and "
        "function.json has no 'scriptFile' property.",
    ),
}


def test_a_bad_function_json_fails_that_function_only(app: Callable[..., Any]) -> None:
    files = {f"{name}/function.json": text for name, (text, _) in BAD_CONFIGS.items()}
    files.update(
        {f"{name}/__init__.py": MAIN.format("") for name in BAD_CONFIGS if name not in ("NoInit",)}
    )
    host = app({**files, **folder("Good", MAIN.format("good"))})
    found = errors_of(host)
    assert found.pop("Good") is None
    assert found == {name: text for name, (_, text) in BAD_CONFIGS.items()}
    assert {f["error"]["kind"] for f in host.index["functions"] if f["error"]} == {"config"}
    assert host.get("Good").frame["return"]["v"] == "good"


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "", "\xff", "[" * 5000])
def test_function_json_that_is_none(app: Callable[..., Any], text: str) -> None:
    host = app({"F/function.json": text, "F/__init__.py": MAIN.format("")})
    error = host.function("F")["error"]
    assert error["kind"] == "config"
    assert error["message"].startswith(f"Unable to parse '{host.root}/F/function.json': ")


def test_byte_order_mark_is_fine(app: Callable[..., Any]) -> None:
    host = app({"F/function.json": "\ufeff" + config(), "F/__init__.py": MAIN.format("bom")})
    assert host.get("F").frame["return"]["v"] == "bom"


BAD_SCRIPTS = {
    "NotPython": (
        "run.txt",
        "x",
        "RuntimeError: cannot load function NotPython: invalid Python filename {root}/NotPython/run.txt",
    ),
    "NoMain": (
        "__init__.py",
        "X = 1\n",
        "RuntimeError: cannot load function NoMain: function main() is not present in NoMain/__init__.py",
    ),
    "NotCallable": (
        "__init__.py",
        "main = 1\n",
        "RuntimeError: cannot load function NotCallable: function main() is not present in NotCallable/__init__.py",
    ),
    "Raises": ("__init__.py", "1/0\n", "ZeroDivisionError: division by zero"),
    "Exits": ("__init__.py", "import sys\nsys.exit('no')\n", "SystemExit: no"),
}


def test_a_script_that_does_not_load(app: Callable[..., Any]) -> None:
    files: Dict[str, str] = {}
    for name, (script, code, _) in BAD_SCRIPTS.items():
        files.update(folder(name, code, script=script))
    host = app(
        {**files, **folder("Good", MAIN.format("good")), **folder("Syntax", "def main(req:\n")}
    )
    found = errors_of(host)
    assert found.pop("Good") is None
    assert str(found.pop("Syntax")).startswith("SyntaxError: ")
    assert found == {
        name: text.format(root=host.root) for name, (_, _, text) in BAD_SCRIPTS.items()
    }
    assert {f["error"]["kind"] for f in host.index["functions"] if f["error"]} == {"load"}
    stack = host.function("Raises")["error"]["stack"]
    assert stack.startswith(
        f'  File "{host.root}/Raises/__init__.py", line 1, in <module>\n    1/0\n'
    )
    assert "importlib" not in stack
    assert '__init__.py", line 1' in host.function("Syntax")["error"]["traceback"]
    assert host.get("Good").frame["return"]["v"] == "good"


def test_a_missing_module_is_explained(app: Callable[..., Any]) -> None:
    host = app(folder("F", "import no_such_module_anywhere\ndef main(req): pass\n"))
    text = host.function("F")["error"]["message"]
    assert text.startswith(
        "ModuleNotFoundError: No module named 'no_such_module_anywhere'. Cannot find module. Please check the "
        "requirements.txt file for the missing module. For more info, please refer the troubleshooting guide: "
        "https://aka.ms/functions-modulenotfound. Current sys.path: ["
    )
    assert str(host.root) in text


def test_only_the_wanted_functions_are_loaded(app: Callable[..., Any]) -> None:
    host = app({**folder("One", MAIN.format("1")), **folder("Two", "1/0\n")}, functions=["one"])
    assert [f["name"] for f in host.index["functions"]] == ["One"]
    assert host.get("One").frame["ok"]


def test_disabled_and_retry_are_passed_on(app: Callable[..., Any]) -> None:
    retry = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"}
    host = app(
        {
            **folder("F", MAIN.format(""), disabled="SETTING", retry=retry),
            **folder("G", MAIN.format("")),
        }
    )
    assert host.function("F")["disabled"] == "SETTING"
    assert host.function("F")["retry"] == retry
    assert host.function("G")["disabled"] is None
    assert host.function("G")["retry"] is None


def test_return_rules_without_return_binding(app: Callable[..., Any]) -> None:
    host = app(
        {
            **folder("Nothing", "def main(req): pass\n", [TRIGGER]),
            **folder("Value", "def main(req): return 'x'\n", [TRIGGER]),
        }
    )
    assert "return" not in host.get("Nothing").frame
    assert host.get("Value").error["message"] == (
        "RuntimeError: function 'Value' without a $return bindingreturned a non-None value"
    )


def test_out_of_an_http_response(app: Callable[..., Any]) -> None:
    code = """
import azure.functions as func
def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    assert res.get() is None
    res.set(func.HttpResponse("made", status_code=201))
    assert res.get().status_code == 201
"""
    host = app(folder("F", code, [TRIGGER, {"type": "http", "direction": "out", "name": "res"}]))
    result = host.invoke("F", req=http())
    assert result.frame["outputs"]["res"]["status"] == 201
    assert result.payload == b"made"

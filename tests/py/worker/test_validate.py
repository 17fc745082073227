"""Every text of a function that does not fit its bindings, in both models where it applies."""

from typing import Any, Callable, Dict, List, Tuple

from app_files import HEAD, RETURN, TRIGGER, folder

QUEUE_OUT = {
    "type": "queue",
    "direction": "out",
    "name": "msg",
    "queueName": "q",
    "connection": "c",
}
BLOB_IN = {"type": "blob", "direction": "in", "name": "blob", "path": "p", "connection": "c"}
FUNC = "import azure.functions as func\nimport typing\n"
HTTP = [TRIGGER, RETURN]

# name: (code, bindings, text after "cannot load the NAME function: ")
BAD: Dict[str, Tuple[str, List[Dict[str, Any]], str]] = {
    "Inout": (
        "def main(req, blob): pass",
        [TRIGGER, {**BLOB_IN, "direction": "inout"}],
        '"inout" bindings are not supported',
    ),
    "ReturnIn": (
        "def main(req): pass",
        [TRIGGER, {**RETURN, "direction": "in"}],
        '"$return" binding must have direction set to "out"',
    ),
    "Undeclared": (
        "def main(req, extra): pass",
        HTTP,
        "the following parameters are declared in Python but not in function.json: {'extra'}",
    ),
    "Unused": (
        "def main(req): pass",
        [*HTTP, QUEUE_OUT],
        "the following parameters are declared in function.json but not in Python: {'msg'}",
    ),
    "BadContext": (
        "def main(req, context: int): pass",
        HTTP,
        "the \"context\" parameter is expected to be of type azure.functions.Context, got <class 'int'>",
    ),
    "BareOut": (
        "def main(req, msg: func.Out): pass",
        [*HTTP, QUEUE_OUT],
        "binding msg has invalid Out annotation <class 'azure.functions._abc.Out'>",
    ),
    "NonType": (
        "def main(req: typing.Union[str, int]): pass",
        HTTP,
        "binding req has invalid non-type annotation typing.Union[str, int]",
    ),
    "NotOut": (
        "def main(req, msg: str): pass",
        [*HTTP, QUEUE_OUT],
        'binding msg is declared to have the "out" direction, but its annotation in Python is not a subclass '
        "of azure.functions.Out",
    ),
    "InIsOut": (
        "def main(req, blob: func.Out[str]): pass",
        [*HTTP, BLOB_IN],
        'binding blob is declared to have the "in" direction in function.json, but its annotation is '
        "azure.functions.Out in Python",
    ),
    "Mismatch": (
        "def main(req: int): pass",
        HTTP,
        'type of req binding in function.json "httpTrigger" does not match its Python annotation "int"',
    ),
    "GenericMismatch": (
        "def main(req: typing.List[str]): pass",
        HTTP,
        'type of req binding in function.json "httpTrigger" does not match its Python annotation "*"',
    ),
    "DataType": (
        "def main(req, blob: int): pass",
        [*HTTP, {**BLOB_IN, "dataType": "binary"}],
        '\'blob\' binding type "blob" and dataType "2" in function.json do not match the corresponding '
        'function parameter\'s Python type annotation "int"',
    ),
    "OutMismatch": (
        "def main(req, msg: func.Out[func.TimerRequest]): pass",
        [*HTTP, QUEUE_OUT],
        'type of msg binding in function.json "queue" does not match its Python annotation "TimerRequest"',
    ),
    "ReturnOut": (
        "def main(req) -> func.Out[str]: pass",
        HTTP,
        "return annotation should not be azure.functions.Out",
    ),
    "ReturnNonType": (
        "def main(req) -> typing.Union[str, bytes]: pass",
        HTTP,
        "has invalid non-type return annotation typing.Union[str, bytes]",
    ),
    "ReturnMismatch": (
        "def main(req) -> int: pass",
        HTTP,
        'Python return annotation "int" does not match binding type "http"',
    ),
}


def test_v1(app: Callable[..., Any]) -> None:
    files: Dict[str, str] = {}
    for name, (code, bindings, _) in BAD.items():
        files.update(folder(name, FUNC + code, bindings))
    host = app({**files, **folder("Good", "def main(req): return 'good'")})
    errors = {f["name"]: f["error"] for f in host.index["functions"]}
    assert errors.pop("Good") is None
    for name, (_, _, text) in BAD.items():
        want = f"FunctionLoadError: cannot load the {name} function: {text}"
        got = errors[name]["message"]
        if "*" in want:
            assert got.startswith(want.split("*")[0])
            assert got.endswith(want.split("*")[1])
        else:
            assert got == want
        assert errors[name]["kind"] == "load"
    assert host.get("Good").frame["return"]["v"] == "good"


V2 = {
    "route(req: int) -> str": (
        'type of req binding in function.json "httpTrigger" does not match its Python annotation "int"'
    ),
    "route(req, more) -> str": "the following parameters are declared in Python but not in function.json: {'more'}",
    "route(request) -> str": "the following parameters are declared in Python but not in function.json: {'request'}",
    "route(req) -> int": 'Python return annotation "int" does not match binding type "http"',
    "route(req) -> None": 'Python return annotation "NoneType" does not match binding type "http"',
    "route(req, context: str) -> str": (
        'the "context" parameter is expected to be of type azure.functions.Context, got '
        "<class 'str'>"
    ),
}


def test_v2(app: Callable[..., Any]) -> None:
    for signature, text in V2.items():
        host = app(
            {"function_app.py": HEAD + f'@app.route(route="r")\ndef {signature}:\n    return ""\n'}
        )
        assert (
            host.index["error"]["message"]
            == f"FunctionLoadError: cannot load the route function: {text}"
        )


GOOD = {
    "Plain": (
        "def main(req: func.HttpRequest) -> func.HttpResponse: return func.HttpResponse()",
        HTTP,
    ),
    "Strings": ("def main(req: 'func.HttpRequest') -> 'str': return ''", HTTP),
    "NoHints": ("def main(req, msg): msg.set('x'); return ''", [*HTTP, QUEUE_OUT]),
    "OutStr": (
        "def main(req, msg: func.Out[str]) -> str: msg.set('x'); return ''",
        [*HTTP, QUEUE_OUT],
    ),
    "OutList": (
        "def main(req, msg: func.Out[typing.List[str]]) -> str: msg.set(['a', 'b']); return ''",
        [*HTTP, QUEUE_OUT],
    ),
    "OutMessage": (
        "def main(req, msg: func.Out[func.QueueMessage]) -> str: msg.set(func.QueueMessage(body='x')); return ''",
        [*HTTP, QUEUE_OUT],
    ),
    "Blob": (
        "def main(req, blob: func.InputStream) -> str: return blob.read().decode()",
        [*HTTP, BLOB_IN],
    ),
    "BlobBytes": ("def main(req, blob: bytes) -> str: return str(type(blob))", [*HTTP, BLOB_IN]),
    "BlobStr": ("def main(req, blob: str) -> str: return str(type(blob))", [*HTTP, BLOB_IN]),
    "ContextBound": (
        "def main(req, context) -> str: return str(context.read())",
        [*HTTP, {**BLOB_IN, "name": "context"}],
    ),
    "ContextTyped": (
        "def main(req, context: func.Context) -> str: return context.function_name",
        HTTP,
    ),
    "CallableObject": ("class C:\n    def __call__(self, req): return 'called'\nmain = C()", HTTP),
    "Partial": (
        "import functools\ndef inner(req, n): return n\nmain = functools.partial(inner, n='partial')",
        [*HTTP, {**BLOB_IN, "name": "n"}],
    ),
    "Wrapped": (
        "import functools\ndef deco(f):\n    @functools.wraps(f)\n"
        "    def w(*a, **k): return f(*a, **k)\n    return w\n@deco\n"
        "def main(req: func.HttpRequest) -> str: return 'wrapped'",
        HTTP,
    ),
}


def test_what_fits(app: Callable[..., Any]) -> None:
    files: Dict[str, str] = {}
    for name, (code, bindings) in GOOD.items():
        files.update(folder(name, FUNC + code, bindings))
    host = app(files)
    assert {
        f["name"]: f["error"] and f["error"]["message"] for f in host.index["functions"]
    } == dict.fromkeys(GOOD)
    assert host.get("BlobBytes", blob="text").frame["return"]["v"] == "<class 'bytes'>"
    assert host.get("BlobStr", blob=b"text").frame["return"]["v"] == "<class 'str'>"
    assert host.get("Blob", blob=b"text").frame["return"]["v"] == "text"
    assert host.get("ContextBound", context=b"b").frame["return"]["v"] == "b'b'"
    assert host.get("ContextTyped").frame["return"]["v"] == "ContextTyped"
    assert host.get("CallableObject").frame["return"]["v"] == "called"
    assert host.get("Wrapped").frame["return"]["v"] == "wrapped"
    assert host.get("OutStr").frame["outputs"] == {"msg": {"t": "string", "v": "x"}}
    assert host.get("NoHints").frame["outputs"] == {"msg": {"t": "string", "v": "x"}}
    assert host.get("OutList").frame["outputs"]["msg"]["t"] == "json"
    assert '"body": "x"' in host.get("OutMessage").frame["outputs"]["msg"]["v"]

"""Small pieces of apps that several tests use."""

import json
from typing import Any, Dict, List, Optional

HEAD = """
import azure.functions as func
import logging
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""

TRIGGER = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"}
RETURN = {"type": "http", "direction": "out", "name": "$return"}


def config(*bindings: Dict[str, Any], **more: Any) -> str:
    """A function.json; HTTP with a return value by default."""
    return json.dumps(
        {"scriptFile": "__init__.py", "bindings": list(bindings or (TRIGGER, RETURN)), **more}
    )


def folder(
    name: str,
    code: str,
    bindings: Optional[List[Dict[str, Any]]] = None,
    script: str = "__init__.py",
    **more: Any,
) -> Dict[str, str]:
    """The files of one function of the first model."""
    return {
        f"{name}/function.json": config(*(bindings or ()), **{"scriptFile": script, **more}),
        f"{name}/{script}": code,
    }

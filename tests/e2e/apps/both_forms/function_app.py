"""Decorators and folders in one app."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="New")
def New(req: func.HttpRequest) -> str:
    return "from a decorator"

"""A small shop over HTTP: routes with parameters, methods, status codes, headers, cookies, bodies."""

import hashlib
import json
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

STOCK = {1: "apple", 2: "pear"}


@app.route(route="products/{id:int}", methods=["GET"])
def product(req: func.HttpRequest) -> func.HttpResponse:
    number = int(req.route_params["id"])
    if number not in STOCK:
        return func.HttpResponse("no such product", status_code=404)
    return func.HttpResponse(
        json.dumps({"id": number, "name": STOCK[number]}), mimetype="application/json"
    )


@app.route(route="products", methods=["POST"])
async def add_product(req: func.HttpRequest) -> func.HttpResponse:
    try:
        item = req.get_json()
    except ValueError:
        return func.HttpResponse("not JSON", status_code=400)
    number = max(STOCK) + 1
    STOCK[number] = item["name"]
    logging.info("added %s", item["name"])
    return func.HttpResponse(status_code=201, headers={"Location": f"/api/products/{number}"})


@app.route(route="files/{*path}")
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "")


@app.route(route="digest", methods=["PUT"])
def digest(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_body()
    return func.HttpResponse(f"{len(body)} {hashlib.sha256(body).hexdigest()}")


@app.route(route="echo", methods=["POST"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(
        req.get_body(), mimetype=req.headers.get("content-type", "application/octet-stream")
    )


@app.route(route="login")
def login(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("welcome")
    response.headers.add("Set-Cookie", "session=abc; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "theme=dark")
    return response


@app.route(route="see")
def see(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "headers": dict(req.headers),
        "function": context.function_name,
        "trace": context.trace_context.trace_parent,
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")

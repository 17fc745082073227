"""A function that leaks on one line, one that borrows, and one that does neither."""

import logging

import azure.functions as func
from ledger import remember

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
kept = []


@app.route(route="leak")
def leak(req: func.HttpRequest) -> str:
    page = b"x" * (8 << 20)
    kept.append(page)
    remember("a leak")
    return str(len(kept))


@app.route(route="borrow")
async def borrow(req: func.HttpRequest) -> str:
    scratch = b"y" * (32 << 20)
    size = len(scratch)
    del scratch
    logging.info("borrowed %d", size)
    return str(size)


@app.route(route="idle")
def idle(req: func.HttpRequest) -> str:
    return "idle"

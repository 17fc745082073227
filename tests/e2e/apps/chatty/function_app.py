"""Logs of every kind, in quantity, from everywhere."""

import asyncio
import logging
import sys
import threading

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
logger = logging.getLogger("shop.floor")
logging.info("said at import")


@app.route(route="flood/{count:int}")
def flood(req: func.HttpRequest) -> str:
    count = int(req.route_params["count"])
    for n in range(count):
        logger.info("line %d of %d: %s", n, count, "x" * 80)
    return str(count)


@app.route(route="levels")
async def levels(req: func.HttpRequest) -> str:
    logger.debug("a debug word")
    logger.info("an information\nin three\nlines")
    logger.warning("a warning")
    logger.error("an error")
    logger.critical("a critical word")
    try:
        {}["key"]
    except KeyError:
        logger.exception("an exception")
    return "said"


@app.route(route="late")
async def late(req: func.HttpRequest) -> str:
    threading.Timer(0.1, logger.info, ("said by a timer, late",)).start()

    async def after() -> None:
        await asyncio.sleep(0.1)
        logger.info("said by a task, late")

    late.task = asyncio.create_task(after())
    return "early"


@app.route(route="prints")
def prints(req: func.HttpRequest) -> str:
    print("printed to stdout")
    print("printed to stderr: an error", file=sys.stderr)
    return ""

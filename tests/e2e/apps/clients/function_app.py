"""Functions that wait for others: many at once, on the loop and on threads."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import azure.functions as func
import requests

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
PAGE = os.environ["PAGE_URL"]


@app.route(route="gather/{count:int}")
async def gather(req: func.HttpRequest) -> str:
    async with aiohttp.ClientSession() as client:

        async def one() -> int:
            async with client.get(PAGE) as response:
                return len(await response.read())

        return str(
            sum(await asyncio.gather(*(one() for _ in range(int(req.route_params["count"])))))
        )


@app.route(route="threads/{count:int}")
def threads(req: func.HttpRequest) -> str:
    with ThreadPoolExecutor(4) as pool:
        sizes = pool.map(
            lambda _: len(requests.get(PAGE).content), range(int(req.route_params["count"]))
        )
        return str(sum(sizes))


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    await asyncio.sleep(0.5)
    return "slow"


@app.route(route="blocking")
def blocking(req: func.HttpRequest) -> str:
    import time

    time.sleep(0.5)
    return "blocking"

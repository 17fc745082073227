"""Streamed answers and uploads with azurefunctions-extensions-http-fastapi."""

import asyncio
import hashlib
import time

import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="ticks")
async def ticks(req: Request) -> StreamingResponse:
    async def events():
        for n in range(5):
            yield f"data: {n} {time.time():.3f}\n\n"
            await asyncio.sleep(0.1)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.route(route="upload", methods=["POST"])
async def upload(req: Request) -> JSONResponse:
    digest, size = hashlib.sha256(), 0
    async for chunk in req.stream():
        digest.update(chunk)
        size += len(chunk)
    return JSONResponse({"size": size, "sha256": digest.hexdigest()})


@app.route(route="big/{mib:int}")
async def big(req: Request) -> StreamingResponse:
    async def pieces():
        for _ in range(int(req.path_params["mib"]) * 16):
            yield b"x" * 65536

    return StreamingResponse(pieces(), media_type="application/octet-stream")


@app.route(route="breaks")
async def breaks(req: Request) -> StreamingResponse:
    async def pieces():
        yield "a beginning"
        raise RuntimeError("no end")

    return StreamingResponse(pieces())


@app.route(route="echo", methods=["POST"])
async def echo(req: Request) -> StreamingResponse:
    """Both ways at once: a chunk goes back when it has come."""
    return StreamingResponse(req.stream(), media_type="application/octet-stream")


@app.route(route="slowly", methods=["POST"])
async def slowly(req: Request) -> JSONResponse:
    """Reads no faster than it must."""
    size, most = 0, 0
    async for chunk in req.stream():
        size += len(chunk)
        most = max(most, resident())
        await asyncio.sleep(0.005)
    return JSONResponse({"size": size, "most": most})


@app.route(route="first", methods=["POST"])
async def first(req: Request) -> JSONResponse:
    """Answers when the first chunk is there, whatever else comes."""
    async for chunk in req.stream():
        return JSONResponse({"first": len(chunk)})
    return JSONResponse({"first": 0})


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

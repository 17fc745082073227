import asyncio
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CACHE = []


@app.route(route="leak")
async def leak(req: func.HttpRequest) -> func.HttpResponse:
    tmp = bytearray(1_000_000)
    await asyncio.sleep(0.05)
    CACHE.append(bytearray(100_000))
    return func.HttpResponse(str(len(tmp)))


@app.route(route="fine")
def fine(req: func.HttpRequest) -> func.HttpResponse:
    data = [bytearray(1000) for _ in range(500)]
    return func.HttpResponse(str(len(data)))

import logging
import os

import aiohttp
import azure.functions as func
import memory_profiler

# Update root logger's format to include the logger name. Ensure logs generated
# from memory profiler can be filtered by "memory_profiler_logs" prefix.
root_logger = logging.getLogger()
root_logger.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
profiler_logstream = memory_profiler.LogFile("memory_profiler_logs", True)


async def main(req: func.HttpRequest) -> func.HttpResponse:
    size = await get_page_async(os.environ["PAGE"])
    return func.HttpResponse(f"Page Is Loaded: {size}", status_code=200)


@memory_profiler.profile(stream=profiler_logstream)
async def get_page_async(url: str):
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as response:
            text = await response.text()
    return len(text)

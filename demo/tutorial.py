"""The two functions of the Azure Functions memory tutorial, against a page on this machine.

The code between the rules is the tutorial's own way: `import memory_profiler`, a LogFile, and the
decorator. memline's drop-in measures it; the decorated coroutine keeps its value.
"""

import asyncio
import logging
import threading

import aiohttp
import page
import requests

logging.basicConfig(level=logging.INFO)

# ---------------------------------------------------------------------------------------------
import memory_profiler  # noqa: E402

root_logger = logging.getLogger()
root_logger.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
profiler_logstream = memory_profiler.LogFile("memory_profiler_logs", True)


@memory_profiler.profile(stream=profiler_logstream)
async def get_page_async(url):
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as response:
            text = await response.text()
    return len(text)


@memory_profiler.profile(stream=profiler_logstream)
def get_page_sync(url):
    response = requests.get(url, timeout=10)
    content = response.content
    return len(content)


# ---------------------------------------------------------------------------------------------


def main():
    server, url = page.listen()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    by_aiohttp = asyncio.run(get_page_async(url))
    by_requests = get_page_sync(url)
    server.shutdown()
    assert by_aiohttp == by_requests == len(page.PAGE)


if __name__ == "__main__":
    main()

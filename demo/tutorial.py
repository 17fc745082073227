"""The two functions of the Azure Functions memory tutorial, against a page on this machine.

The code between the rules is the tutorial's own way: `import memory_profiler`, a LogFile, and the
decorator. memline's drop-in measures it; the decorated coroutine keeps its value.
"""

import asyncio
import http.server
import logging
import threading

import aiohttp
import requests

PAGE = b"<!doctype html><title>A page</title>" + b"<p>Which line ate the memory?</p>" * 250_000

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


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format, *args):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    by_aiohttp = asyncio.run(get_page_async(url))
    by_requests = get_page_sync(url)
    server.shutdown()
    assert by_aiohttp == by_requests == len(PAGE)


if __name__ == "__main__":
    main()

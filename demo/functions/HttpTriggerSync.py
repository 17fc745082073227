import logging
import os

import azure.functions as func
import memory_profiler
import requests

# Update root logger's format to include the logger name. Ensure logs generated
# from memory profiler can be filtered by "memory_profiler_logs" prefix.
root_logger = logging.getLogger()
root_logger.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
profiler_logstream = memory_profiler.LogFile("memory_profiler_logs", True)


def main(req: func.HttpRequest) -> func.HttpResponse:
    content = profile_get_request(os.environ["PAGE"])
    return func.HttpResponse(f"Page Response Size: {len(content)}", status_code=200)


@memory_profiler.profile(stream=profiler_logstream)
def profile_get_request(url: str):
    response = requests.get(url)
    return response.content

"""A script that imports the decorator by itself."""

import asyncio
import time

from memory_profiler import profile


@profile
def work():
    time.sleep(0.05)
    return 1


@profile
async def waits():
    await asyncio.sleep(0.2)
    return 2


assert work() == 1
assert asyncio.run(waits()) == 2

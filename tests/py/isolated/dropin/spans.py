"""For --timestamp: spans of every kind; argument: kill (end without leaving)."""
# ruff: noqa: F821

import asyncio
import os
import sys
import time


@profile
def plain():
    time.sleep(0.05)
    return inner()


@profile
def inner():
    time.sleep(0.05)
    return 1


@profile
def fails():
    raise KeyError(1)


@profile
async def waits():
    await asyncio.sleep(0.2)
    return 2


@profile
def steps():
    yield 1
    time.sleep(0.1)
    yield 2


assert plain() == 1
try:
    fails()
except KeyError:
    pass
assert asyncio.run(waits()) == 2
assert list(steps()) == [1, 2]
with profile.timestamp("load data"):
    time.sleep(0.05)
with profile:
    time.sleep(0.05)
profile.enable_by_count()
profile.disable_by_count()
assert profile.current_stack_level == -1
if "kill" in sys.argv:
    os._exit(0)

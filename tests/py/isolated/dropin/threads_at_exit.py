"""A thread that works on after the main thread has ended."""
# ruff: noqa: F821

import threading
import time


@profile
def late():
    time.sleep(0.3)
    return 1


threading.Thread(target=late).start()

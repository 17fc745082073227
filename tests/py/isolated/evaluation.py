"""Before 3.12: who evaluates frames before, while and after a function is measured (PEP 523)."""

import ctypes
import sys
import threading
import time

from memline import _core, _wrap

api = ctypes.pythonapi
DEFAULT = ctypes.cast(api._PyEval_EvalFrameDefault, ctypes.c_void_p).value
if sys.version_info >= (3, 9):
    get = api._PyInterpreterState_GetEvalFrameFunc
    get.restype = ctypes.c_void_p
    api.PyInterpreterState_Main.restype = ctypes.c_void_p

    def is_default():
        return get(ctypes.c_void_p(api.PyInterpreterState_Main())) == DEFAULT

    def set_default():
        api._PyInterpreterState_SetEvalFrameFunc(
            ctypes.c_void_p(api.PyInterpreterState_Main()), ctypes.c_void_p(DEFAULT)
        )

else:  # no function tells

    def is_default():
        return inside == [None]

    def set_default():
        pass


inside = [None]


def asks():
    if sys.version_info >= (3, 9):
        inside[0] = is_default()


def subject():
    asks()
    return 1


before = is_default()
r = _core.Recorder()
f = _wrap.instrument(subject, r)
f()
assert inside[0] in (False, None), inside
after = is_default()

# A thread that ends while it measures (select()'s threads do) leaves nothing behind that lasts.
later = _core.Recorder()
later.add(subject.__code__)
thread = threading.Thread(target=later.start)
thread.start()
thread.join()
gone = False
for _ in range(500):  # the thread goes on for a while after its end in Python
    asks()
    asks()
    gone = gone or is_default()
    time.sleep(0.0 if gone else 0.01)

# Somebody who puts the default in our place in the middle costs the filter, no more.
f2 = _wrap.instrument(lambda: (set_default(), asks()), _core.Recorder())
f2()
f()
assert inside[0] in (False, None), inside
print("as before:", [before, after, gone])

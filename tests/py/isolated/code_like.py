"""Extensions may report starts of what is no code object (PyMonitoring_*, 3.13): not for us."""

import _testcapi
import sys

start = sys.monitoring.events.PY_START
like = _testcapi.CodeLike(1)
_testcapi.monitoring_enter_scope(like, 1, start)
_testcapi.fire_event_py_start(like, 0)
print("went on")

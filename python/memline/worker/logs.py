"""The root logger's handler: every record of the user's becomes a log frame, and none is lost.

An ordinary logging.Handler, alone at index 0 of the root logger before any module of the user's is
imported: the text sent is what its own format() gives, so a formatter that user code sets there shapes
the console and the stored records. A record belongs to the invocation that ids.find() tells, if any.
"""

import logging
import sys
import threading
from typing import Any, Dict, Optional

from . import errors, ids
from .frames import Channel

# Loggers of the machinery: kept apart from the user's own records by the host.
SYSTEM = ("azure_functions_worker", "azure.functions", "memline.worker")
_MESSAGE_LIMIT = 1 << 20  # bytes

system_log = logging.getLogger("memline.worker")


def is_system(logger: str) -> bool:
    return logger.startswith(SYSTEM)


def _bounded(text: str) -> str:
    """At most _MESSAGE_LIMIT bytes of UTF-8."""
    if len(text) * 4 <= _MESSAGE_LIMIT:
        return text
    data = text.encode("utf-8", "replace")
    return data[:_MESSAGE_LIMIT].decode("utf-8", "ignore")


class HostHandler(logging.Handler):
    """Sends each record to the host; in a forked child, which has no host, to stderr."""

    def __init__(self, channel: Channel, root: str) -> None:
        super().__init__()
        self._channel = channel
        self._root = root

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if self._channel.dead:
                sys.stderr.write(text + "\n")
                return
            self._channel.send("L", self._frame(record, text))
        except RecursionError:
            raise
        except Exception:
            self.handleError(record)

    def _frame(self, record: logging.LogRecord, text: str) -> Dict[str, Any]:
        logger = str(record.name)
        frame: Dict[str, Any] = {
            "id": ids.find(),
            "level": _level(record.levelno),
            "logger": logger,
            "message": _bounded(text),
            "thread": str(record.threadName),
            "time": float(record.created),
            "system": is_system(logger),
        }
        if record.exc_info and not frame["system"]:
            described = errors.describe_logged(record.exc_info, self._root)
            if described is not None:
                frame["exception"] = described
        console = getattr(record, "memline_console", None)
        if isinstance(console, str):
            frame["console"] = _bounded(console)
        fields = getattr(record, "memline_fields", None)
        if isinstance(fields, dict):
            frame["fields"] = {str(k): errors.cut(str(v), 8192) for k, v in fields.items()}
        return frame


def _level(level: Any) -> int:
    try:
        return max(-(1 << 31), min(int(level), (1 << 31) - 1))
    except (TypeError, ValueError, OverflowError):
        return logging.INFO


def install(channel: Channel, root: str, debug: bool) -> HostHandler:
    handler = HostHandler(channel, root)
    logger = logging.getLogger()
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    return handler


def send_line(channel: Channel, logger: str, level: int, text: str, **more: Optional[Any]) -> None:
    """One record that no logging call made, such as a row of a line report."""
    frame: Dict[str, Any] = {
        "id": ids.find(),
        "level": level,
        "logger": logger,
        "message": _bounded(text),
        "thread": threading.current_thread().name,
        "time": logging.makeLogRecord({}).created,
        "system": is_system(logger),
    }
    frame.update(more)
    channel.send("L", frame)

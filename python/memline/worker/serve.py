"""The life of a worker process.

    main thread     hello, init, import of the user's app, then the asyncio loop: async functions, pings
    reader thread   reads frames; sync functions go straight to the pool, the rest to the loop
    pool threads    run sync functions and send their results themselves

The app is imported on the main thread inside the running loop, as the original worker does. Nothing here
grows with traffic: an invocation is known to the loop or the pool while it runs, and to nobody afterwards.
"""

import asyncio
import atexit
import concurrent.futures.thread
import faulthandler
import importlib
import io
import os
import socket
import sys
import threading
import time
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from . import (
    PROTOCOL,
    VERSION,
    datum,
    dropin,
    errors,
    extensions,
    ids,
    logs,
    pool,
    profiling,
    telemetry,
)
from .app import App
from .frames import Channel, ProtocolError
from .function import Function
from .host import Host
from .invocation import Invocation, call_async, call_sync, flush_output
from .memory import Meter
from .streams import Stream

_EXIT_GRACE = 3.0  # seconds; then a process whose host is gone ends without its atexit handlers


def run(arguments: List[str]) -> None:
    """Serve until the host says so or is gone. Does not return."""
    channel = Channel(_connect(arguments))
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):  # 3.8 would keep stderr's lines back
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    root = os.getcwd()
    _prepare_path(root)
    library, problem = _import_library()
    channel.send(
        "H",
        {
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "executable": sys.executable,
            "library": library,
            "library_error": problem,
            "shim": VERSION,
        },
    )
    try:
        first = channel.recv()
        if first is not None and first[0] not in "ix":
            raise ProtocolError(f"frame '{first[0]}' came before init")
    except ProtocolError as e:
        _complain(e)
        os._exit(1)
    if first is None or first[0] == "x" or problem is not None:
        os._exit(0)  # the host has said what is missing
    Worker(channel, first[1], root).run()


def _connect(arguments: List[str]) -> socket.socket:
    if len(arguments) == 2 and arguments[0] == "--fd" and arguments[1].isdigit():
        return socket.socket(fileno=int(arguments[1]))
    if len(arguments) == 2 and arguments[0] == "--socket":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(arguments[1])
        return sock
    sys.stderr.write("memline: a worker is started by the host\n  try: memline func start\n")
    sys.exit(2)


def _prepare_path(root: str) -> None:
    """Packages deployed with the app first, its own modules last: an installed package wins over them."""
    sys.path[:] = [p for p in sys.path if p not in ("", root)]
    packages = os.path.join(root, ".python_packages", "lib", "site-packages")
    if os.path.isdir(packages):
        sys.path.insert(0, packages)
    sys.path.append(root)


def _import_library() -> Tuple[Optional[str], Optional[str]]:
    """The version of azure.functions, or why it cannot be imported."""
    try:
        library = importlib.import_module("azure.functions")
        return str(getattr(library, "__version__", "unknown")), None
    except Exception as e:
        return None, errors.message(e)


def _complain(problem: object) -> None:
    sys.stderr.write(f"memline: worker {os.getpid()} stops: {problem}\n")
    sys.stderr.flush()


class Pending(NamedTuple):
    """An invocation whose body has not arrived as a whole."""

    frame: Dict[str, Any]
    payload: bytes
    body: io.BytesIO


class Worker:
    def __init__(self, channel: Channel, init: Dict[str, Any], root: str) -> None:
        self._channel = channel
        self._init = init
        self._app = App(root)
        self._host = Host(channel, Meter(bool(init.get("memory", True))), root)
        self._loop = asyncio.new_event_loop()
        self._stopping = self._loop.create_future()  # loop thread only
        self._tasks: Set[asyncio.Task[None]] = set()  # loop thread only; those that run
        self._streams: Dict[str, Stream] = {}  # loop thread only; those that run
        self._pending: Dict[str, Pending] = {}  # reader thread only
        self._exiting = False
        self._code = 0  # exit status

    # Main thread

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_default_executor(pool.make(None))
        debug = bool(self._init.get("debug_logging")) or telemetry.is_true(
            "PYTHON_ENABLE_DEBUG_LOGGING"
        )
        logs.install(self._channel, self._host.root, debug)
        self._pool = pool.make(self._init.get("threads"))
        ids.mark_new_threads()
        threading.Thread(target=self._read, name="memline-reader", daemon=True).start()
        try:
            self._loop.run_until_complete(self._serve())
        except (SystemExit, KeyboardInterrupt) as e:  # a signal, or a background task of the user's
            _complain(errors.message(e))
            self._code = 1
        self._finish()

    async def _serve(self) -> None:
        if self._init.get("extensions"):
            extensions.turn_on()
        notices = telemetry.set_up()
        dropin.install()
        profile = str(self._init.get("profile") or "off")
        script = self._init.get("script_file") or "function_app.py"
        self._app.index(script, self._init.get("functions"), self._progress)
        notices += dropin.notices()
        notices += profiling.start(profile, self._host)
        frame = self._app.to_frame(notices)
        frame["exports_logs"] = telemetry.exports_logs
        self._channel.send("I", frame)
        await self._stopping

    def _progress(self, what: str) -> None:
        self._channel.send("S", {"phase": "importing", "what": what})

    def _finish(self) -> None:
        """Leave as an interpreter does, without waiting for functions that still run."""
        on_exit = getattr(concurrent.futures.thread, "_python_exit", None)
        if on_exit is not None:
            atexit.unregister(on_exit)  # 3.8: it would join the pool's threads
        atexit._run_exitfuncs()
        flush_output()
        self._channel.close()
        os._exit(self._code)

    # Reader thread

    def _read(self) -> None:
        try:
            while True:
                frame = self._channel.recv()
                if frame is None:
                    break
                self._dispatch(*frame)
                del frame  # its bytes belong to the invocation alone while we wait for the next one
        except (ProtocolError, KeyError, TypeError, ValueError) as e:
            _complain(f"bad frame from the host: {errors.message(e)}")
            self._code = 1
        except OSError:
            pass  # the host died with data under way
        self._call_loop(self._stop)
        time.sleep(_EXIT_GRACE)
        os._exit(self._code)

    def _dispatch(self, kind: str, body: Dict[str, Any], payload: bytes) -> None:
        if kind == "v":
            self._invoke(body, payload)
        elif kind == "b":
            self._take_chunk(body, payload)
        elif kind == "k":
            self._call_loop(self._grant, body["id"], int(body["n"]))
        elif kind == "c":
            self._call_loop(self._cancel, body["id"])
        elif kind == "p":
            self._call_loop(self._pong, body.get("seq"))
        elif kind == "d":
            faulthandler.dump_traceback(file=2, all_threads=True)
        elif kind == "x":
            self._exiting = True
            self._call_loop(self._stop)
        else:
            raise ProtocolError(f"unknown frame type '{kind}'")

    def _call_loop(self, call: Any, *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            pass  # the loop is closed: the process ends

    def _invoke(self, frame: Dict[str, Any], payload: bytes) -> None:
        if self._exiting:
            return
        if not isinstance(frame["id"], str) or not isinstance(frame["function"], str):
            raise ProtocolError("invoke without id or function")
        body = datum.chunked_body(frame)
        if frame.get("stream") or body is None:
            self._start(frame, payload, None)
        else:
            self._pending[frame["id"]] = Pending(frame, payload, io.BytesIO())

    def _take_chunk(self, chunk: Dict[str, Any], payload: bytes) -> None:
        last, broken = bool(chunk.get("last")), chunk.get("error")
        waiting = self._pending.get(chunk["id"])
        if waiting is None:
            self._call_loop(self._feed, chunk["id"], payload, last, broken is not None)
            return
        waiting.body.write(payload)
        if broken is not None:
            del self._pending[chunk["id"]]
            error = OSError(f"the body of the request broke off: {broken}")
            self._start(waiting.frame, waiting.payload, error)
        elif last:
            del self._pending[chunk["id"]]
            # getvalue() hands out the buffer itself, without a copy.
            self._start(waiting.frame, waiting.payload, waiting.body.getvalue())

    def _start(self, frame: Dict[str, Any], payload: bytes, body: Any) -> None:
        invocation = Invocation(frame, payload, body)
        function = self._app.functions.get(frame["function"])
        if function is None:
            invocation.begin(self._host.meter)
            problem = LookupError(f"there is no function with the id '{frame['function']}'")
            frame = invocation.failure(problem, self._host.root)
            invocation.finish(self._host, frame, datum.Packer())
        elif frame.get("stream"):
            self._call_loop(self._start_stream, invocation, function)
        elif function.is_async:
            self._call_loop(self._start_task, invocation, function)
        else:
            self._pool.submit(call_sync, invocation, function, self._host)

    # Loop's thread

    def _stop(self) -> None:
        if not self._stopping.done():
            self._stopping.set_result(None)

    def _start_task(self, invocation: Invocation, function: Function) -> None:
        self._keep(self._loop.create_task(call_async(invocation, function, self._host)))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        """The loop itself holds its tasks weakly."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _start_stream(self, invocation: Invocation, function: Function) -> None:
        stream = Stream(self._host, invocation, function, self._pool)
        self._streams[invocation.id] = stream
        task = self._loop.create_task(stream.run())
        task.add_done_callback(lambda _: self._streams.pop(invocation.id, None))
        self._keep(task)

    def _feed(self, invocation_id: str, chunk: bytes, last: bool, broken: bool) -> None:
        stream = self._streams.get(invocation_id)
        if stream is not None:  # else it has ended without reading its body
            stream.feed(chunk, last, broken)

    def _grant(self, invocation_id: str, size: int) -> None:
        stream = self._streams.get(invocation_id)
        if stream is not None:
            stream.grant(size)

    def _cancel(self, invocation_id: str) -> None:
        stream = self._streams.get(invocation_id)
        if stream is not None:
            stream.cancel()

    def _pong(self, seq: Any) -> None:
        meter = self._host.meter
        self._channel.send("P", {"seq": seq, "rss": meter.rss(), "running": meter.running})

"""A file of mprof that is being written: by us, and by the program itself (README.md)."""

from __future__ import annotations

import os
import signal
import sys

from .. import _core
from ._backends import kind_of
from ._mprof_files import new_filename
from ._mprof_options import fail, program_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class Recording:
    """A file, and the watch that writes a process's samples to it. A context manager."""

    def __init__(self, args: Any, command: str) -> None:
        self._args = args
        self._command = command
        self.name: str = args.filename if args.filename is not None else ""
        self._watcher: Any = None
        try:
            self.name = self.name or new_filename()
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._fd = os.open(self.name, flags, 0o666)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        name = self.name or "mprofile_*.dat"
        fail(f"cannot write '{name}': {(error.strerror or str(error)).lower()}")

    def __enter__(self) -> Recording:
        command = self._command.replace("\n", "\\n").replace("\r", "\\r")
        try:
            os.write(self._fd, f"CMDLINE {command}\n".encode("utf-8", "surrogateescape"))
        except OSError as error:
            self._fail(error)
        return self

    def watch(self, pid: int) -> Any:
        """Sample process pid from now on; OSError if it cannot be."""
        args = self._args
        backend = args.backend if args.backend != "tracemalloc" else "psutil"
        watcher = _core.Watcher(
            pid,
            args.interval,
            kind=kind_of(backend, args.include_children),
            include_children=args.include_children,
            each_child=args.multiprocess,
            fd=self._fd,
        )
        watcher.start()
        self._watcher = watcher
        return watcher

    def stop(self) -> None:
        """Take the last sample, and have all samples in the file."""
        if self._watcher is None:
            return
        self._watcher.stop()
        if self._watcher.lost:
            sys.stderr.write(
                f"{program_name()}: {self._watcher.lost} records could not be written to"
                f" '{self.name}'\n"
            )
        self._watcher = None

    def __exit__(self, *error: Any) -> None:
        self.stop()
        os.close(self._fd)

    def discard(self) -> None:
        """Remove the file, unless it was there before us."""
        if self._args.filename is None:
            os.remove(self.name)


class Terminated(BaseException):
    """SIGTERM came."""


def _on_sigterm(*unused: Any) -> None:
    raise Terminated


def catch_sigterm() -> None:
    try:
        signal.signal(signal.SIGTERM, _on_sigterm)
    except ValueError:  # not the main thread: whoever runs us cares for signals
        pass

"""Has everything imported, and forks for each command that is asked for.

It has one thread and opens nothing, so a fork of it is as good as a new process. The child goes on
as the program itself: threads are waited for and exit handlers run before it ends.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import threading
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

GROUPS = ("lineseal.commands", "lineseal.services", "lineseal.queries", "lineseal.hooks")
# What commands import when they need it.
LATER = (
    "lineseal.commandline.program", "lineseal.consumers.running",
    "lineseal.consumers.columnar.libraries", "lineseal.transport.kafka.commands",
    "lineseal.queries.sql_worker", "duckdb", "kafka", "opentelemetry.sdk.trace", "pandas",
    "pyarrow", "pyarrow.pandas_compat", "sqlite3", "structlog", "uvicorn", "yaml",
)  # fmt: skip


class Server:
    """Accepts connections; each asks for one command and gets its exit status."""

    def __init__(self, address: str) -> None:
        """Listen at *address*."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._asking: dict[int, socket.socket] = {}
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)

    def serve(self) -> dict[str, Any] | None:
        """Return None when stdin ends, and in a forked child what it was asked for."""
        signal.signal(signal.SIGCHLD, _heard)
        signal.set_wakeup_fd(self._wake.fileno())
        with selectors.DefaultSelector() as selector:
            for file in (self._listener, self._woken, sys.stdin):
                selector.register(file, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if sys.stdin in ready:
                    return None
                if self._woken in ready:
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(4096)
                    self._report()
                if self._listener in ready:
                    request = self._accept()
                    if request is not None:
                        return request

    def _accept(self) -> dict[str, Any] | None:
        """Fork; only the child gets the request."""
        connection, _ = self._listener.accept()
        descriptors = array.array("i")
        room = socket.CMSG_SPACE(3 * descriptors.itemsize)
        _, [(_, _, given)], *_ = connection.recvmsg(1, room)
        descriptors.frombytes(given)
        line = connection.makefile("rb").readline()
        pid = os.fork()
        if not pid:
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            for each in (self._listener, self._woken, self._wake, *self._asking.values()):
                each.close()
            connection.close()
        for descriptor in descriptors:
            os.close(descriptor)
        if not pid:
            request: dict[str, Any] = json.loads(line)
            return request
        self._asking[pid] = connection
        return None

    def _report(self) -> None:
        """Tell who asked how their commands ended."""
        while self._asking:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._asking.pop(pid) as connection, contextlib.suppress(OSError):
                connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def main(address: str) -> NoReturn:
    """Serve until stdin ends."""
    for group in GROUPS:
        for entry in entry_points(group=group):
            entry.load()
    for name in LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else each child would copy all of it, only to look for garbage
    server = Server(address)
    os.write(1, b"ready\n")
    request = server.serve()
    if request is None:
        shutil.rmtree(Path(address).parent)
        os._exit(0)
    become(request)


def _heard(number: int, frame: FrameType | None) -> None:
    """Take the signal, so that it wakes the server."""


def become(request: dict[str, Any]) -> NoReturn:
    """Go on as the program that was asked for."""
    from lineseal.commandline.program import main as program

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        for number, mode, errors in (
            (0, "r", "surrogateescape"), (1, "w", "strict"), (2, "w", "backslashreplace"),
        )
    )  # fmt: skip
    sys.argv = ["lineseal", *request["arguments"]]
    try:
        program()
    except SystemExit as end:
        # What an interpreter does as it ends, without taking a hundred libraries apart.
        threading._shutdown()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    main(sys.argv[1])

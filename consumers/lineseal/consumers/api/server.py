"""Listens for questions in a thread of its own: on a Unix socket, and on TCP when told to.

The socket lies in a folder of its own (0700) and is made 0600. One that a killed process left is
replaced; one that answers is not.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import uvicorn

from lineseal.consumers.api.answering import Answering
from lineseal.consumers.api.app import Readiness, build_app
from lineseal.consumers.api.guard import Guarded, read_or_make_token
from lineseal.consumers.store import Store
from lineseal.queries.remote import connect_unix
from lineseal.schemas.errors import ConfigurationError, StoreBusy, StoreError
from lineseal.services import ServiceLog
from lineseal.settings import Home, Settings

START_SECONDS = 20.0
STOP_SECONDS = 4.0
_MAX_CONNECTIONS = 64
_BACKLOG = 64
_LONGEST_PATH_BYTES = 100


class ApiServer:
    """Answers on the store that *store* gives. Use as a context manager."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        store: Callable[[], Store | None],
        log: ServiceLog,
        readiness: Readiness = lambda: (True, []),
    ) -> None:
        """Prepare; entering opens the sockets."""
        self._home = home
        self._settings = settings.api
        self._answering = Answering(
            store,
            memory_limit=settings.store.memory_limit,
            timeout=float(settings.api.timeout_seconds),
            held_edges=settings.api.held_edges,
        )
        self._app = build_app(self._answering, readiness, log)
        self._servers: list[tuple[uvicorn.Server, threading.Thread]] = []
        self.address = home.resolve(settings.api.socket)
        self.port: int | None = None
        """The TCP port, once it listens."""

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            StoreBusy: Another process of this home answers already.
            StoreError: A socket cannot be opened.
            ConfigurationError: ``[api]`` cannot work.

        """
        try:
            self._serve(self._app, open_unix(self.address))
            if self._settings.listen:
                self._serve_tcp()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the questions that run, and stop listening."""
        self.close()

    def close(self) -> None:
        """Stop listening and remove the socket; calling it twice is fine."""
        if self._servers:
            self.address.unlink(missing_ok=True)
        self._answering.close()
        for server, _ in self._servers:
            server.should_exit = True
        deadline = time.monotonic() + STOP_SECONDS
        for server, thread in self._servers:
            thread.join(max(0.0, deadline - time.monotonic()))
            server.force_exit = True
        self._servers = []

    def _serve_tcp(self) -> None:
        host, separator, port = self._settings.listen.rpartition(":")
        if not separator or not host or not port.isascii() or not port.isdigit():
            raise ConfigurationError("[api] listen must be HOST:PORT")
        token = read_or_make_token(self._home.resolve(self._settings.token_file))
        try:
            listening = socket.create_server((host.strip("[]"), int(port)), backlog=_BACKLOG)
        except OSError as error:
            raise StoreError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        self.port = int(listening.getsockname()[1])
        self._serve(Guarded(self._app, token=token, host=host), listening)

    def _serve(self, app: Any, listening: socket.socket) -> None:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                http="h11",
                ws="none",
                loop="asyncio",
                limit_concurrency=_MAX_CONNECTIONS,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
            )
        )
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="api", daemon=True
        )
        self._servers.append((server, thread))
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise StoreError("the API could not be started")
            time.sleep(0.01)


def open_unix(path: Path) -> socket.socket:
    """Listen on a Unix socket at *path* for its owner alone.

    Raises:
        StoreBusy: Somebody listens there.
        StoreError: It cannot be made.

    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _answers(path):
            raise StoreBusy(
                f"another process of this home answers at {path}: 'lineseal up' and "
                "'lineseal materialise' materialise by themselves, so one of them is enough"
            )
        path.unlink(missing_ok=True)
        return _bind(path)
    except OSError as error:
        raise StoreError(f"cannot listen at {path}: {error.strerror or error}") from error


def _bind(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Before it listens nobody can connect, so there is no moment at which others could.
        is_long = len(os.fsencode(path)) > _LONGEST_PATH_BYTES
        listening.bind(f"/proc/self/fd/{folder}/{path.name}" if is_long else str(path))
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    finally:
        os.close(folder)
    return listening


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        with contextlib.suppress(OSError):
            connect_unix(probe, path)
            return True
    return False

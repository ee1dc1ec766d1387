"""Listens for OpenLineage clients in a thread of its own, over TLS when there is a certificate."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Coroutine
from typing import Any, Self

import uvicorn

from lineseal.producers.adapters.gateway.app import Endpoint, build_app
from lineseal.producers.adapters.gateway.protocol import Doorkeeper, watched_by
from lineseal.producers.adapters.gateway.rejects import RejectLog
from lineseal.producers.adapters.gateway.tokens import TokenBook
from lineseal.producers.adapters.gateway.worker import Worker
from lineseal.producers.adapters.reception import open_intake, open_ledger, parse_kinds
from lineseal.schemas.errors import ConfigurationError, LogError
from lineseal.services import ServiceLog
from lineseal.settings import Home, Settings

START_SECONDS = 20.0
STOP_SECONDS = 3.0
_BACKLOG = 4096
"""What Linux allows by default (``net.core.somaxconn``). A queue that fills up with connections
half made turns SYN cookies on: then the kernel resets whoever sends a request in two packets and
loses the first, which no reading here can prevent."""
_MAX_HEAD_BYTES = 32 * 1024
_KEEP_ALIVE_SECONDS = 30
_TROUBLE_SECONDS = 0.2


class GatewayServer:
    """Receives for one home. Use as a context manager.

    Attributes:
        port: The TCP port, once it listens.

    """

    def __init__(self, home: Home, settings: Settings, log: ServiceLog) -> None:
        """Prepare; entering opens everything."""
        self._home, self._settings, self._log = home, settings, log
        self._closing = contextlib.ExitStack()
        self.port = 0

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            ConfigurationError, KeyMissing, KeyUnusable: ``[gateway]`` cannot work.
            LogError: The outbox, the documents or the socket cannot be opened.

        """
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Answer what is being made durable, and stop listening."""
        self.close()

    def close(self) -> None:
        """Stop; calling it twice is fine."""
        self._closing.close()

    def _open(self) -> None:
        settings = self._settings.gateway
        kinds = parse_kinds(settings.kinds)
        tls = _tls(self._home, settings.cert_file, settings.key_file, settings.client_ca_file)
        tokens = TokenBook(self._home.resolve(settings.tokens_file))
        if not tokens.all():
            self._log.warning("nobody may send: run 'lineseal gateway allow NAME'")
        listening = self._listen(has_tls=tls is not None)
        self._closing.callback(listening.close)
        ledger = self._closing.enter_context(open_ledger(self._home, self._settings))
        intake = self._closing.enter_context(open_intake(self._home, self._settings, ledger))
        rejects = RejectLog(self._home, self._settings, self._log, ledger)
        self._closing.callback(rejects.close)
        worker = Worker(intake, rejects, self._log)
        worker.start()
        self._closing.callback(worker.close, STOP_SECONDS)
        endpoint = Endpoint(settings, tokens, worker, self._log, kinds)
        self._serve(endpoint, listening, tls)

    def _listen(self, *, has_tls: bool) -> socket.socket:
        host, separator, port = self._settings.gateway.listen.rpartition(":")
        if not separator or not host or not port.isascii() or not port.isdigit():
            raise ConfigurationError("[gateway] listen must be HOST:PORT")
        host = host.strip("[]")
        if not has_tls and not _is_loopback(host):
            self._log.warning("tokens travel in the clear: set [gateway] cert_file and key_file")
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise LogError(f"cannot listen on {host}:{port}: {reason}") from error
        self.port = int(listening.getsockname()[1])
        return listening

    def _serve(
        self, endpoint: Endpoint, listening: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        settings = self._settings.gateway
        doorkeeper = Doorkeeper(
            places=settings.max_connections, header_seconds=settings.header_seconds
        )
        config = uvicorn.Config(
            build_app(endpoint),
            http=watched_by(doorkeeper),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            loop="asyncio",
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config, doorkeeper, tls)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="gateway", daemon=True
        )
        thread.start()
        self._closing.callback(_stop, server, thread)
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise LogError("the gateway could not be started")
            time.sleep(0.01)


class _Server(uvicorn.Server):
    """Lets in one connection after the other, as there are places for them."""

    def __init__(
        self,
        config: uvicorn.Config,
        doorkeeper: Doorkeeper,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(config)
        self._doorkeeper, self._tls = doorkeeper, tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on *sockets*."""
        await self.lifespan.startup()
        self.servers = []
        for each in sockets or []:
            each.setblocking(False)
            self._spawn(self._let_in(each))
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in any more, then stop as uvicorn does."""
        for task in self._tasks:
            task.cancel()
        await super().shutdown(sockets)

    async def _let_in(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._doorkeeper.find_place()
            try:
                knocking, _ = await loop.sock_accept(listening)
            except OSError:  # no file descriptors left, or gone before it was let in
                await asyncio.sleep(_TROUBLE_SECONDS)
                continue
            self._spawn(self._doorkeeper.lets_in(knocking, self._connection, self._tls))

    def _connection(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state={}
        )
        return made

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(STOP_SECONDS)
    server.force_exit = True


def _tls(home: Home, cert: str, key: str, client_ca: str) -> ssl.SSLContext | None:
    if not cert:
        if key or client_ca:
            raise ConfigurationError("[gateway] key_file and client_ca_file need a cert_file")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(home.resolve(cert), home.resolve(key) if key else None)
        if client_ca:
            context.load_verify_locations(home.resolve(client_ca))
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"[gateway] the certificate cannot be used: {error}") from error
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""When all places of the gateway are taken, silence costs a place, and asking never does.

What is promised: who sent its request is served however late the gateway itself comes to read it;
who sent nothing, or half a head, makes room once it had its fair chance. Over TLS the first byte
of the handshake is what is owed first.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.kafka.certificates import Authority
from uvicorn.server import ServerState

from lineseal.producers.adapters.gateway.protocol import FAIR_SECONDS, Doorkeeper, watched_by

PATIENCE_SECONDS = 60.0
COMING: set[asyncio.Future[None]] = set()
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(
    _scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Answer any request."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@contextlib.contextmanager
def connected() -> Generator[tuple[socket.socket, socket.socket]]:
    """Connect two sockets."""
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(PATIENCE_SECONDS)
        server.setblocking(False)
        yield client, server


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make the TLS of a client and of the server it trusts."""
    authority = Authority(tmp_path, "authority")
    issued = authority.issue("localhost")
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(issued.certificate, issued.key)
    return ssl.create_default_context(cafile=str(authority.file)), serving


async def take_the_only_place(
    server: socket.socket,
    tls: ssl.SSLContext | None = None,
    header_seconds: float = PATIENCE_SECONDS,
) -> Doorkeeper:
    """Let a connection in, and over TLS leave it to shake hands."""
    doorkeeper = Doorkeeper(places=1, header_seconds=header_seconds)
    config = uvicorn.Config(answer, http=watched_by(doorkeeper), log_config=None, lifespan="off")
    config.load()
    make: Any = config.http_protocol_class
    state = ServerState()
    coming = asyncio.ensure_future(
        doorkeeper.lets_in(
            server, lambda: make(config=config, server_state=state, app_state={}), tls
        )
    )
    if tls is None:
        await coming
    else:
        COMING.add(coming)
        coming.add_done_callback(COMING.discard)
    return doorkeeper


def everything(client: socket.socket) -> bytes:
    """Read until the other side closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            said += part
    return said


def test_a_request_that_waits_to_be_read_keeps_its_place() -> None:
    """The process gets no turn from the moment it let somebody in until the fair time is over."""

    async def let_in_and_sleep(client: socket.socket, server: socket.socket) -> None:
        client.sendall(HEAD)
        doorkeeper = await take_the_only_place(server)
        time.sleep(2 * FAIR_SECONDS)  # As on a busy machine, and before anything was read.
        async with asyncio.timeout(PATIENCE_SECONDS):
            await doorkeeper.find_place()

    with connected() as (client, server):
        asyncio.run(let_in_and_sleep(client, server))

        assert everything(client).startswith(b"HTTP/1.1 204")


@pytest.mark.parametrize("sent", [b"", HEAD[:20]], ids=["silent", "half a head"])
def test_who_does_not_ask_makes_room_after_a_fair_chance(sent: bytes) -> None:
    """Not before, and without an answer."""

    async def let_in(client: socket.socket, server: socket.socket) -> float:
        client.sendall(sent)
        doorkeeper = await take_the_only_place(server)
        started = time.monotonic()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await doorkeeper.find_place()
        return time.monotonic() - started

    with connected() as (client, server):
        waited = asyncio.run(let_in(client, server))

        assert everything(client) == b""
    assert waited > FAIR_SECONDS / 2


def test_who_does_not_begin_a_handshake_makes_room_after_a_fair_chance(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """As over plain HTTP, not only when the time for a whole head is over."""

    async def let_in(server: socket.socket) -> float:
        doorkeeper = await take_the_only_place(server, contexts[1])
        started = time.monotonic()
        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            await doorkeeper.find_place()
        return time.monotonic() - started

    with connected() as (client, server):
        waited = asyncio.run(let_in(server))

        assert everything(client) == b""
    assert waited > FAIR_SECONDS / 2


def test_a_handshake_that_was_begun_keeps_its_place(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """However late its first bytes are read, and after its fair time; the request is answered."""

    async def let_in_and_sleep(shaking: ssl.SSLSocket, server: socket.socket) -> bytes:
        doorkeeper = await take_the_only_place(server, contexts[1])
        time.sleep(2 * FAIR_SECONDS)
        room = asyncio.ensure_future(doorkeeper.find_place())
        await asyncio.sleep(2 * FAIR_SECONDS)
        assert not room.done()
        shaking.settimeout(PATIENCE_SECONDS)
        await asyncio.to_thread(shaking.do_handshake)
        shaking.sendall(HEAD)
        said = await asyncio.to_thread(shaking.recv, 65536)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await room
        return said

    with (
        connected() as (client, server),
        contexts[0].wrap_socket(
            client, server_hostname="localhost", do_handshake_on_connect=False
        ) as shaking,
    ):
        shaking.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            shaking.do_handshake()

        assert asyncio.run(let_in_and_sleep(shaking, server)).startswith(b"HTTP/1.1 204")


def test_a_handshake_that_is_not_finished_ends_with_the_time_for_a_head(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Its first byte does not move the deadline."""

    async def let_in(server: socket.socket) -> None:
        doorkeeper = await take_the_only_place(server, contexts[1], header_seconds=1.0)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await doorkeeper.find_place()

    with connected() as (client, server):
        client.sendall(b"\x16")
        asyncio.run(let_in(server))

        assert everything(client) == b""

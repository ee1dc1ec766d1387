"""When all places of the gateway are taken, silence costs a place, and asking never does.

What is promised: who sent its request is served however late the gateway itself comes to read it;
who sent nothing, or half a head, makes room once it had its fair chance.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from lineseal.producers.adapters.gateway.protocol import FAIR_SECONDS, Doorkeeper, watched_by

PATIENCE_SECONDS = 60.0
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


async def take_the_only_place(server: socket.socket) -> Doorkeeper:
    """Let a connection in."""
    doorkeeper = Doorkeeper(places=1, header_seconds=PATIENCE_SECONDS)
    config = uvicorn.Config(answer, http=watched_by(doorkeeper), log_config=None, lifespan="off")
    config.load()
    make: Any = config.http_protocol_class
    state = ServerState()
    await asyncio.get_running_loop().connect_accepted_socket(
        lambda: make(config=config, server_state=state, app_state={}), server
    )
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

"""Keeps connections from being used up: uvicorn alone waits for ever for a request's head.

A connection that owes us a request has a deadline for it. When all places are taken, the one that
has owed us longest makes room for the next one, but not before it had a fair chance to ask; until
then nobody is let in, and who knocks waits in the kernel's queue. So whoever asks at once is
served, however many connections others hold open in silence. Over TLS that holds until the first
byte of the handshake; what is left of a handshake has the deadline alone. Places that are busy with
a request are never taken away.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from itertools import islice
from typing import Any, NamedTuple

from uvicorn.protocols.http.h11_impl import H11Protocol

FAIR_SECONDS = 0.25
_LOOK_SECONDS = 0.02


class _Silence(NamedTuple):
    """How long who is to begin a handshake has been silent, and what ends it."""

    since: float
    ends: asyncio.Future[None]


class Doorkeeper:
    """Knows the connections of one server. Used on its event loop alone."""

    def __init__(self, *, places: int, header_seconds: float) -> None:
        """Keep at most *places* connections, each with *header_seconds* for a request's head."""
        self._places, self._seconds = places, header_seconds
        self._owing: dict[WatchedConnection, asyncio.TimerHandle] = {}
        self._open: set[WatchedConnection] = set()
        self._shaking_hands: set[socket.socket] = set()
        self._silent: dict[socket.socket, _Silence] = {}
        self._heard_until = 0.0

    async def find_place(self) -> None:
        """Wait for a place for one more connection; make one if need be.

        A fair chance is counted up to the last time that everybody was heard, not up to now: a
        process that came late itself has bytes to read that were sent in time. After a pause
        all have been read that were there when it began, since a loop handles what it finds
        readable before the timers that ran out.
        """
        loop = asyncio.get_running_loop()
        while len(self._open) + len(self._shaking_hands) >= self._places:
            waited_for: list[WatchedConnection | socket.socket] = [
                *islice(self._owing, 1),
                *islice(self._silent, 1),
            ]
            oldest = min(waited_for, key=self._since, default=None)
            if oldest is not None and self._heard_until - self._since(oldest) >= FAIR_SECONDS:
                self._send_away(oldest)
            else:
                paused = loop.time()
                await asyncio.sleep(_LOOK_SECONDS)
                self._heard_until = paused

    def lets_in(
        self,
        knocking: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> Coroutine[Any, Any, None]:
        """Give a place to who was accepted; what is returned sets the connection up."""
        loop = asyncio.get_running_loop()
        self._shaking_hands.add(knocking)
        if tls is None:
            return self._set_up(knocking, make)
        self._silent[knocking] = silence = _Silence(loop.time(), loop.create_future())
        loop.add_reader(knocking, self._hears, knocking)
        return self._shake_hands(knocking, make, tls, silence)

    def arrives(self, connection: WatchedConnection) -> None:
        """Note a connection, which now owes us a request."""
        self._open.add(connection)
        self.owes(connection)

    def owes(self, connection: WatchedConnection) -> None:
        """Give a connection its deadline for the next request."""
        self.is_busy(connection)
        if connection in self._open:
            self._owing[connection] = asyncio.get_running_loop().call_later(
                self._seconds, connection.transport.abort
            )

    def is_busy(self, connection: WatchedConnection) -> None:
        """Stop waiting: the request is here."""
        timer = self._owing.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def leaves(self, connection: WatchedConnection) -> None:
        """Forget a connection."""
        self.is_busy(connection)
        self._open.discard(connection)

    async def _shake_hands(
        self,
        knocking: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext,
        silence: _Silence,
    ) -> None:
        deadline = silence.since + self._seconds
        try:
            async with asyncio.timeout_at(deadline):
                await silence.ends
        except BaseException as error:
            self._hears(knocking)
            self._shaking_hands.discard(knocking)
            knocking.close()
            if not isinstance(error, OSError):
                raise
            return
        left = max(deadline - asyncio.get_running_loop().time(), _LOOK_SECONDS)
        await self._set_up(knocking, make, ssl=tls, ssl_handshake_timeout=left)

    async def _set_up(
        self, knocking: socket.socket, make: Callable[[], asyncio.Protocol], **tls: Any
    ) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(make, knocking, **tls)
        except OSError:  # also what TLS does not like, and who takes too long for it
            knocking.close()
        finally:
            self._shaking_hands.discard(knocking)

    def _hears(self, knocking: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(knocking)
        silence = self._silent.pop(knocking, None)
        if silence is not None and not silence.ends.done():
            silence.ends.set_result(None)

    def _send_away(self, silent: WatchedConnection | socket.socket) -> None:
        if isinstance(silent, socket.socket):
            self._silent[silent].ends.set_exception(ConnectionAbortedError())
            self._hears(silent)
            self._shaking_hands.discard(silent)
        else:
            self.leaves(silent)
            silent.transport.abort()

    def _since(self, silent: WatchedConnection | socket.socket) -> float:
        if isinstance(silent, socket.socket):
            return self._silent[silent].since
        return self._owing[silent].when() - self._seconds


class WatchedConnection(H11Protocol):
    """An HTTP/1.1 connection that a doorkeeper watches; see ``watched_by``."""

    doorkeeper: Doorkeeper

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start."""
        super().connection_made(transport)
        self.doorkeeper.arrives(self)

    def data_received(self, data: bytes) -> None:
        """Read on; a whole head ends the wait for it."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and not self.cycle.response_complete:
            self.doorkeeper.is_busy(self)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        before = self.cycle
        super().on_response_complete()
        if self.cycle is before and not self.transport.is_closing():
            self.doorkeeper.owes(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self.doorkeeper.leaves(self)
        super().connection_lost(exc)


def watched_by(doorkeeper: Doorkeeper) -> type[asyncio.Protocol]:
    """Return the class of connections that *doorkeeper* watches."""
    fields: dict[str, Any] = {"doorkeeper": doorkeeper}
    return type("Connection", (WatchedConnection,), fields)

"""Keeps connections from being used up: uvicorn alone waits for ever for a request's head.

A connection that owes us a request has a deadline for it. When all places are taken, the one that
has owed us longest makes room for the next one, but not before it had a fair chance to ask; until
then nobody is let in, and who knocks waits in the kernel's queue. So whoever asks at once is
served, however many connections others hold open in silence. Places that are busy with a request
are never taken away.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

FAIR_SECONDS = 0.25
_LOOK_SECONDS = 0.02


class Doorkeeper:
    """Knows the connections of one server. Used on its event loop alone."""

    def __init__(self, *, places: int, header_seconds: float) -> None:
        """Keep at most *places* connections, each with *header_seconds* for a request's head."""
        self._places, self._seconds = places, header_seconds
        self._owing: dict[WatchedConnection, asyncio.TimerHandle] = {}
        self._open: set[WatchedConnection] = set()
        self._heard_until = 0.0
        self.shaking_hands = 0
        """Connections that were let in and are not set up yet."""

    async def find_place(self) -> None:
        """Wait for a place for one more connection; make one if need be.

        A fair chance is counted up to the last time that everybody was heard, not up to now: a
        process that came late itself has bytes to read that were sent in time. After a pause
        all have been read that were there when it began, since a loop handles what it finds
        readable before the timers that ran out.
        """
        loop = asyncio.get_running_loop()
        while len(self._open) + self.shaking_hands >= self._places:
            oldest = next(iter(self._owing), None)
            if oldest is not None and self._heard_until - self._since(oldest) >= FAIR_SECONDS:
                self.leaves(oldest)
                oldest.transport.abort()
            else:
                paused = loop.time()
                await asyncio.sleep(_LOOK_SECONDS)
                self._heard_until = paused

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

    def _since(self, connection: WatchedConnection) -> float:
        return self._owing[connection].when() - self._seconds


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

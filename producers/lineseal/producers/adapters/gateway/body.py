"""Reads the body of a request: in time, within limits, and unpacked no further than those.

A body is counted against a budget shared by all requests while it is in memory. Of a body that is
not taken the rest is read and thrown away for a while, so that the client gets to see why.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from lineseal.producers.adapters.gateway.refusal import Refusal

Receive = Callable[[], Awaitable[Any]]
_DRAIN_BYTES = 128 * 1024 * 1024
_DRAIN_UNKNOWN_BYTES = 1024 * 1024
_DRAIN_SECONDS = 5.0
_GZIP = 31  # zlib's window bits for a gzip header
_STEP_BYTES = 256 * 1024


class Budget:
    """How many bytes of bodies may be in memory. Used on the event loop alone."""

    def __init__(self, total: int) -> None:
        """Start with *total* bytes free."""
        self._free = total

    def take(self, count: int) -> None:
        """Take *count* bytes.

        Raises:
            Refusal: They are not free; the client shall come again.

        """
        if count > self._free:
            raise Refusal(503, "BUSY", "too much is being received; send it again", retry_after=1)
        self._free -= count

    def give(self, count: int) -> None:
        """Give *count* bytes back."""
        self._free += count


class Body:
    """Reads one body. Give its memory back with ``release``, once nobody holds it."""

    def __init__(self, receive: Receive, budget: Budget, *, max_bytes: int, seconds: float) -> None:
        """Read from *receive*, at most *max_bytes* as sent and unpacked, in at most *seconds*."""
        self._receive, self._budget = receive, budget
        self._max_bytes, self._seconds = max_bytes, seconds
        self._taken = 0
        self._ended = False

    async def read(self, announced: int | None, encoding: str) -> bytes:
        """Return the body.

        Args:
            announced: What Content-Length says, if anything.
            encoding: ``identity`` or ``gzip``.

        Raises:
            Refusal: It is too large, too slow, damaged, or there is no memory for it now.

        """
        if announced is not None and announced > self._max_bytes:
            raise self._too_large()
        unpack = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
        received = bytearray()
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in self._chunks():
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise self._too_large()
                    if unpack is None:
                        self._keep(received, chunk)
                    else:
                        unpack = self._unpack(unpack, chunk, received)
        except TimeoutError:
            self._ended = True
            raise Refusal(408, "TIMEOUT", "the body did not come in time") from None
        if unpack is not None and not unpack.eof and size:
            raise Refusal(400, "COMPRESSION", "the gzip body ends too early")
        # For a moment there are two of them.
        self._budget.take(len(received))
        data = bytes(received)
        self._budget.give(len(received))
        return data

    async def drain(self, *, known: bool) -> None:
        """Throw away what still comes, for a while: else the client sees a broken connection.

        Less of it when the client is not *known*.
        """
        if self._ended:
            return
        left = _DRAIN_BYTES if known else _DRAIN_UNKNOWN_BYTES
        with contextlib.suppress(TimeoutError, Refusal):
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for chunk in self._chunks():
                    left -= len(chunk)
                    if left < 0:
                        return

    def release(self) -> None:
        """Give the memory back; calling it twice is fine."""
        self._budget.give(self._taken)
        self._taken = 0

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._ended = True
                raise Refusal(400, "DISCONNECTED", "the client went away")
            self._ended = not message.get("more_body", False)
            if message.get("body"):
                yield message["body"]
            if self._ended:
                return

    def _unpack(self, unpack: Any, chunk: bytes, received: bytearray) -> Any:
        """Unpack a chunk into *received*; return what unpacks the next one."""
        try:
            while chunk:
                if unpack.eof:  # a gzip file may have several members
                    unpack = zlib.decompressobj(_GZIP)
                self._keep(received, unpack.decompress(chunk, _STEP_BYTES))
                chunk = unpack.unconsumed_tail or unpack.unused_data
        except zlib.error:
            raise Refusal(400, "COMPRESSION", "the body is not gzip") from None
        return unpack

    def _keep(self, received: bytearray, data: bytes) -> None:
        if len(received) + len(data) > self._max_bytes:
            raise self._too_large()
        self._budget.take(len(data))
        self._taken += len(data)
        received += data

    def _too_large(self) -> Refusal:
        return Refusal(
            413, "TOO_LARGE", f"more than {self._max_bytes} bytes; see [gateway] max_event_bytes"
        )

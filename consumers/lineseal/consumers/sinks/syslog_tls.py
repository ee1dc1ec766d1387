"""Ships over syslog with TLS (RFC 5425), octet-counted.

The protocol has no acknowledgement. The nearest to one: after each batch we close our side
(close_notify) and wait until the receiver closes its own. By then it has read everything; that it
wrote it down, nothing says. So this sink is best effort; use RELP where the receiver has it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence

from lineseal.consumers.sinks.base import OK, Receipt, Shipment, all_alike
from lineseal.consumers.sinks.syslog import Address, connect, message, probe
from lineseal.consumers.sinks.tls import tls_receipt

DEFAULT_PORT = 6514
_PROBE_SECONDS = 0.3


class SyslogTlsSink:
    """Opens a connection per batch."""

    def __init__(
        self,
        address: Address,
        context: ssl.SSLContext,
        *,
        rendering: str,
        timeout: float,
        max_records: int,
        max_bytes: int,
        max_text: int,
    ) -> None:
        """Send to *address*."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._address = address
        self._context = context
        self._timeout = timeout

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Send the batch and wait until the receiver has read all of it."""
        frames: list[bytes] = []
        for shipment in batch:
            text = message(shipment)
            frames += [b"%d " % len(text), text]
        return all_alike(batch, self._exchange(b"".join(frames)))

    def check(self) -> Receipt:
        """Connect, and listen whether we are refused."""
        return self._exchange(b"")

    def close(self) -> None:
        """Do nothing: no connection outlives its batch."""

    def _exchange(self, data: bytes) -> Receipt:
        where = str(self._address)
        try:
            connection = connect(self._address, self._context, self._timeout)
        except OSError as error:
            return tls_receipt(error, where)
        try:
            probe(connection, _PROBE_SECONDS)
            connection.sendall(data)
            _close_politely(connection)
        except OSError as error:
            return tls_receipt(error, where)
        finally:
            connection.close()
        return OK


def _close_politely(connection: socket.socket) -> None:
    """Say that nothing follows, and wait until the receiver says the same.

    Raises:
        OSError: It did not, in time or at all: what it has read is unknown.

    """
    if not isinstance(connection, ssl.SSLSocket):
        raise TypeError("this sink speaks TLS only")
    # A receiver that ends without its own close_notify had read ours: a reset would be an error.
    with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        connection.unwrap()

"""Ships over RELP: syslog whose receiver acknowledges every message.

A message counts once the receiver answers 200 for its number, which rsyslog does after its
action queue has it. Messages are numbered anew on every connection; what was not acknowledged
when one breaks is sent again. Source: RELP 1.0 (rsyslog, doc/relp.html).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from lineseal.consumers.forward.text import line
from lineseal.consumers.sinks.base import (
    OK,
    Outcome,
    Receipt,
    Shipment,
    all_alike,
    park,
    refused,
    retry,
)
from lineseal.consumers.sinks.syslog import Address, connect, message
from lineseal.consumers.sinks.tls import tls_receipt

DEFAULT_PORT = 2514
SCHEMES = ("relp+tls", "relp")
WINDOW = 128
"""Messages under way without an answer."""
_OFFERS = b"relp_version=0\nrelp_software=lineseal,1,https://lineseal.example\ncommands=syslog"
_MAX_ANSWER = 128 * 1024
_MAX_NUMBER = 999_999_999


class RelpSink:
    """Keeps one session open from batch to batch."""

    def __init__(
        self,
        address: Address,
        context: ssl.SSLContext | None,
        *,
        rendering: str,
        timeout: float,
        max_records: int,
        max_bytes: int,
        max_text: int,
    ) -> None:
        """Send to *address*; without *context* in plain text."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._address = address
        self._context = context
        self._timeout = timeout
        self._session: _Session | None = None

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Send the batch, at most ``WINDOW`` messages ahead of the answers."""
        receipts: list[Receipt] = []
        try:
            session = self._open()
            for shipment in batch:
                if session.under_way >= WINDOW:
                    receipts.append(session.answer())
                session.send(message(shipment))
            while session.under_way:
                receipts.append(session.answer())
        except (OSError, _Nonsense) as error:
            self.close()
            trouble = self._trouble(error)
            return [*receipts, *all_alike(batch[len(receipts) :], trouble)]
        return receipts

    def check(self) -> Receipt:
        """Open a session."""
        self.close()
        try:
            self._open()
        except (OSError, _Nonsense) as error:
            return self._trouble(error)
        return OK

    def close(self) -> None:
        """Close the session; messages without an answer count as not sent."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open(self) -> _Session:
        if self._session is None:
            connection = connect(self._address, self._context, self._timeout)
            try:
                self._session = _Session(connection)
            except BaseException:
                connection.close()
                raise
        return self._session

    def _trouble(self, error: OSError | _Nonsense) -> Receipt:
        if isinstance(error, _Nonsense):
            return park(f"{self._address} does not speak RELP: {error}")
        return tls_receipt(error, str(self._address))


class _Nonsense(Exception):
    """The other side says what no RELP receiver says."""


class _Session:
    """One numbered conversation."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._sent = 0
        self._answered = 0
        self._write(b"open", _OFFERS)
        answer = self.answer()
        if answer is not OK:
            raise _Nonsense(answer.detail)

    @property
    def under_way(self) -> int:
        """Return how many messages have no answer yet."""
        return self._sent - self._answered

    def send(self, text: bytes) -> None:
        """Send one syslog message."""
        if self._sent >= _MAX_NUMBER:
            raise ConnectionResetError("the session is used up")
        self._write(b"syslog", text)

    def answer(self) -> Receipt:
        """Read the answer to the oldest message without one; rsyslog answers in order."""
        number, command, data = self._read()
        if command == b"serverclose":
            raise ConnectionResetError("it closes the session")
        self._answered += 1
        if command != b"rsp" or number != self._answered:
            raise _Nonsense(f"answer {number} where {self._answered} was due")
        status, _, text = data.partition(b" ")
        if status == b"200":
            return OK
        said = line(text.decode("utf-8", "backslashreplace"), 200)
        if status.startswith(b"5") and status.isdigit():
            return refused(Outcome.DEAD, said, int(status))
        return retry(said)

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        try:
            self._write(b"close", b"")
        except OSError:
            pass
        finally:
            self._stream.close()
            self._connection.close()

    def _write(self, command: bytes, data: bytes) -> None:
        self._sent += 1
        tail = b" " + data if data else b""
        self._connection.sendall(b"%d %b %d%b\n" % (self._sent, command, len(data), tail))

    def _read(self) -> tuple[int, bytes, bytes]:
        number = self._token()
        command = self._token()
        length = self._token()
        if not (number.isdigit() and length.isdigit()) or int(length) > _MAX_ANSWER:
            raise _Nonsense("a frame without a number or length")
        data = self._stream.read(int(length)) if int(length) else b""
        if len(data) < int(length):
            raise ConnectionResetError("it closed the connection")
        if int(length):
            self._stream.read(1)  # the line feed that ends a frame
        return int(number), command, data

    def _token(self) -> bytes:
        found = bytearray()
        while True:
            character = self._stream.read(1)
            if not character:
                raise ConnectionResetError("it closed the connection")
            if character in (b" ", b"\n"):
                if found:
                    return bytes(found)
                continue
            found += character
            if len(found) > 32:
                raise _Nonsense("a frame without an end")

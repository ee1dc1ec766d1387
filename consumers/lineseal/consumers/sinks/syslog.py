r"""What both syslog sinks share: one RFC 5424 message, and a TLS connection to send it over.

A message holds no line break and no NUL (documents have none), carries no byte-order mark (rsyslog
keeps it in the text and CEF behind it breaks) and is counted in bytes, not characters. Facility
13 is "log audit". Source: RFC 5424 6; RFC 5425 4.3.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from lineseal.consumers.forward.severity import severity_of
from lineseal.consumers.forward.text import iso_time
from lineseal.consumers.sinks.base import Shipment
from lineseal.schemas.errors import ConfigurationError

FACILITY = 13
APP_NAME = "lineseal"
SD_ID = "lineseal@32473"
"""32473 is the number RFC 5612 reserves where a program has none of its own."""
_MAX_HOST, _MAX_MSGID = 255, 32
_NOT_PRINTABLE = re.compile(r"[^!-~]")


@dataclass(frozen=True, slots=True)
class Address:
    """Say where a syslog receiver listens."""

    host: str
    port: int
    scheme: str

    def __str__(self) -> str:
        """Return it as a URL."""
        return f"{self.scheme}://{self.host}:{self.port}"


def parse_address(url: str, schemes: tuple[str, ...], default_port: int) -> Address:
    """Take ``tls://HOST[:PORT]`` apart.

    Raises:
        ConfigurationError: The URL is none of these schemes.

    """
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname or parts.path not in ("", "/"):
        raise ConfigurationError(f"url must be {' or '.join(schemes)}://HOST[:PORT]")
    try:
        port = parts.port or default_port
    except ValueError:
        raise ConfigurationError("url has a port that is none") from None
    return Address(parts.hostname, port, parts.scheme)


def message(shipment: Shipment) -> bytes:
    """Return the record as one RFC 5424 message."""
    document = shipment.document
    priority = FACILITY * 8 + severity_of(document["severity_id"]).syslog
    time = iso_time(document["time"])
    host = _name(socket.gethostname(), _MAX_HOST)
    parameters = {
        "uid": shipment.uid,
        "feed_id": str(document["unmapped"]["feed_id"]),
        "feed_seq": str(shipment.seq),
    }
    data = " ".join(f'{name}="{_parameter(value)}"' for name, value in parameters.items())
    head = (
        f"<{priority}>1 {time} {host} {APP_NAME} {os.getpid()} {_name(shipment.kind, _MAX_MSGID)}"
    )
    return f"{head} [{SD_ID} {data}] {shipment.text}".encode()


def connect(
    address: Address, context: ssl.SSLContext | None, timeout: float
) -> socket.socket | ssl.SSLSocket:
    """Connect to *address*, over TLS where there is a context.

    Raises:
        OSError: It cannot be reached, or TLS was refused by either side.

    """
    plain = socket.create_connection((address.host, address.port), timeout)
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise


def probe(connection: socket.socket, seconds: float) -> bytes:
    """Listen for *seconds*: in TLS 1.3 the refusal of a certificate comes after the handshake.

    Raises:
        OSError: The receiver refused or closed.

    """
    before = connection.gettimeout()
    connection.settimeout(seconds)
    try:
        data = connection.recv(1024)
    except TimeoutError:
        return b""
    finally:
        connection.settimeout(before)
    if not data:
        raise ConnectionResetError("it closed the connection")
    return data


def _name(text: str, limit: int) -> str:
    return _NOT_PRINTABLE.sub("_", text)[:limit] or "-"


def _parameter(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")

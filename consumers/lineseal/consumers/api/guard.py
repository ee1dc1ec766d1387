"""Who may ask over TCP? Whoever has the token, under a name that a browser cannot be led to.

The Host check stops DNS rebinding: a web page whose name is made to point here still sends its own
name. The token is compared in constant time and never logged.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from lineseal.schemas.errors import ConfigurationError

_TOKEN_BYTES = 32
_UNREAD_BYTES = 1 << 16
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Guarded:
    """An ASGI application that lets nothing through without the token, but ``/health``."""

    def __init__(self, app: Any, *, token: str, host: str) -> None:
        """Guard *app*; *host* is the name that it listens on."""
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._hosts = {host.lower(), *_LOOPBACK}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on what may pass."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            if _name(headers.get(b"host", b"")) not in self._hosts:
                await _refuse(receive, send, 421, b'{"detail": "this host is not served here"}')
                return
            given = headers.get(b"authorization", b"")
            if scope["path"] != "/health" and not hmac.compare_digest(given, self._expected):
                await _refuse(receive, send, 401, b'{"detail": "the token is missing or wrong"}')
                return
        await self._app(scope, receive, send)


def read_or_make_token(path: Path) -> str:
    """Return the token in the file at *path*, which is made (0600) when missing.

    Raises:
        ConfigurationError: It cannot be read or made, others may read it, or it is too short.

    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(_TOKEN_BYTES) + "\n")
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"others may read the token in {path}: chmod 600 it")
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot use the token file {path}: {error}") from error
    if len(token) < _TOKEN_BYTES:
        raise ConfigurationError(f"the token in {path} is too short; remove the file for a new one")
    return token


def _name(host: bytes) -> str:
    """Return the name of a Host header without its port."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]


async def _refuse(receive: Any, send: Any, status: int, body: bytes) -> None:
    # A connection closed over unread bytes is reset, and the client may never see the answer.
    unread = _UNREAD_BYTES
    while unread > 0:
        message = await receive()
        unread -= len(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

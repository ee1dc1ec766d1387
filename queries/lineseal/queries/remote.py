"""Does a running service hold the store? Asks it over its local HTTP API, or says there is none.

The socket in the home is for its owner alone (0600); over TCP a token says who asks. An answer is
the one that the same code would give here, so nobody needs to know which of both happened.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lineseal.queries.question import Told, answer_from_json, error_from_json
from lineseal.queries.wire import ARROW, unpack
from lineseal.schemas.errors import ConfigurationError, StoreBusy, StoreError
from lineseal.settings import Home, Settings

CONNECT_SECONDS = 5.0
COPY = "copy"
"""The name under which a service copies its store."""
COPY_PREFIX = ".copy-"
_GRACE_SECONDS = 60.0
_MAX_PATH_BYTES = 100
"""Of a Unix socket's address, which holds 108 at most (unix(7))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyParams:
    """Say where to copy the store: a folder beside it, whose name starts with ``COPY_PREFIX``."""

    folder: str


def ask_service(
    home: Home, settings: Settings, name: str, params: dict[str, Any], store: Path
) -> Told | None:
    """Ask the service of *home*; None when there is none, or it holds another store.

    Raises:
        StoreBusy: It cannot answer just now.
        StoreError: The service that ``[api] url`` names cannot be reached.
        LinesealError: Whatever the question raised there.

    """
    elsewhere = settings.api.url
    address = home.resolve(settings.api.socket)
    if not elsewhere and not address.exists():
        return None
    try:
        status, reply = _post(home, settings, name, {"store": str(store), "params": params})
    except (OSError, http.client.HTTPException, ValueError) as error:
        if elsewhere:
            raise StoreError(f"cannot ask the service at {elsewhere}: {error}") from error
        return None  # a socket that a killed service left, or one that is just ending
    if status == http.client.CONFLICT and not elsewhere:
        return None
    if status != http.client.OK:
        raise _error(status, reply)
    return Told(answer=answer_from_json(reply["answer"]), positions=reply["positions"])


@contextlib.contextmanager
def copied(home: Home, settings: Settings, store: Path) -> Generator[Path | None]:
    """Have the service copy the store it holds into a folder that lives as long as the block.

    Yields:
        The folder, or None when no service holds the store.

    Raises:
        StoreError: There is no room for a copy, or the store is on another machine.

    """
    if settings.api.url:
        raise StoreError("this command needs the store itself: run it on the store's machine")
    if not home.resolve(settings.api.socket).exists():
        yield None
        return
    try:
        folder = Path(tempfile.mkdtemp(prefix=COPY_PREFIX, dir=store.parent))
    except OSError as error:
        raise StoreError(f"cannot copy the store: {error.strerror}") from error
    try:
        params = {"folder": str(folder)}
        yield folder if ask_service(home, settings, COPY, params, store) else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _error(status: int, reply: Any) -> Exception:
    if isinstance(reply, dict) and "error" in reply:
        return error_from_json(reply["error"])
    if status == http.client.SERVICE_UNAVAILABLE:
        return StoreBusy("the service has too many questions to answer; ask again in a moment")
    return StoreError(f"the service answered with HTTP status {status}")


def _post(home: Home, settings: Settings, name: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "Accept": f"{ARROW}, application/json"}
    timeout = settings.api.timeout_seconds + _GRACE_SECONDS
    if settings.api.url:
        connection, token = _to_url(home, settings, timeout)
        headers["Authorization"] = f"Bearer {token}"
        # The other machine knows where its store is.
        body = {**body, "store": None}
    else:
        connection = _UnixConnection(home.resolve(settings.api.socket), timeout)
    try:
        connection.request("POST", f"/v1/query/{name}", json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        if response.headers.get_content_type() == ARROW:
            return response.status, unpack(content)
        return response.status, _decoded(content)
    finally:
        connection.close()


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _to_url(
    home: Home, settings: Settings, timeout: float
) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(settings.api.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("[api] url must be http://HOST:PORT or https://HOST:PORT")
    path = home.resolve(settings.api.token_file)
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the token file {path}") from error
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout), token


class _UnixConnection(http.client.HTTPConnection):
    """Speaks HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._answer_timeout = timeout

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT_SECONDS)
        connect_unix(self.sock, self._path)
        self.sock.settimeout(self._answer_timeout)


def connect_unix(sock: socket.socket, path: Path) -> None:
    """Connect to *path*, however long it is.

    Raises:
        OSError: Nobody listens there.

    """
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        sock.connect(str(path))
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)

"""Who may send, and what about? A file of hashed tokens, one for each client.

A token is 256 random bits, so its SHA-256 needs no salt and no slow hash. The file (0600) is read
again when it changes: adding and revoking takes effect within a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from lineseal.producers.adapters.openlineage.intake import Rights
from lineseal.schemas.errors import BadIdentifier, ConfigurationError
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.ids import now_us
from lineseal.signing.files import make_private_folder, replace_private

PREFIX = "lsg_"
_TOKEN_BYTES = 32
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Token:
    """Hold what is known of one token.

    Attributes:
        name: Who sends with it: the actor of what it sends.
        sha256: Its SHA-256, 64 hex characters.
        namespaces: Patterns of the namespaces of jobs it may speak for.
        writes: Patterns of ``namespace/name`` of what its runs may write.
        created_at: Microseconds UTC.

    """

    name: str
    sha256: str
    namespaces: tuple[str, ...]
    writes: tuple[str, ...]
    created_at: int

    @property
    def rights(self) -> Rights:
        """Return what it may speak about."""
        return Rights(self.name, self.namespaces, self.writes)


class TokenBook:
    """The file of tokens. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Use the file at *path*; without one nobody may send."""
        self._path = path
        self._lock = threading.Lock()
        self._looked = 0.0
        self._seen: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def find(self, presented: str) -> Token | None:
        """Return the token that was presented, if it is one.

        Raises:
            ConfigurationError: The file cannot be read, or others may read it.

        """
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_SECONDS:
                self._refresh()
                self._looked = time.monotonic()
            return self._tokens.get(hash_token(presented))

    def all(self) -> list[Token]:
        """Return every token, sorted by name.

        Raises:
            ConfigurationError: As for ``find``.

        """
        with self._lock:
            self._refresh()
            return sorted(self._tokens.values(), key=lambda token: token.name)

    def add(self, name: str, namespaces: tuple[str, ...], writes: tuple[str, ...]) -> str:
        """Make a token for *name* and return it; only its hash is kept.

        Raises:
            ConfigurationError: There is one of that name, or the name cannot be one.

        """
        try:
            check_identifier(name, "the token's name")
        except BadIdentifier as error:
            raise ConfigurationError(str(error)) from error
        tokens = self.all()
        if any(token.name == name for token in tokens):
            raise ConfigurationError(
                f"{name!r} has a token already; 'lineseal gateway revoke {name}' removes it"
            )
        text = PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        self._write([*tokens, Token(name, hash_token(text), namespaces, writes, now_us())])
        return text

    def remove(self, name: str) -> bool:
        """Remove a token; return whether there was one."""
        tokens = self.all()
        kept = [token for token in tokens if token.name != name]
        if len(kept) < len(tokens):
            self._write(kept)
        return len(kept) < len(tokens)

    def _write(self, tokens: list[Token]) -> None:
        make_private_folder(self._path.parent)
        document = {"format": 1, "tokens": [asdict(token) for token in tokens]}
        replace_private(self._path, json.dumps(document, indent=2).encode() + b"\n")

    def _refresh(self) -> None:
        try:
            state = self._path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = None, {}
            return
        except OSError as error:
            raise ConfigurationError(f"cannot read {self._path}: {error.strerror}") from error
        seen = (state.st_ino, state.st_mtime_ns, state.st_size)
        if seen == self._seen:
            return
        if state.st_mode & 0o077 or state.st_uid != os.geteuid():
            raise ConfigurationError(f"others may read or own {self._path}: chmod 600 it")
        self._tokens = {token.sha256: token for token in _parse(self._path)}
        self._seen = seen


def hash_token(text: str) -> str:
    """Return the SHA-256 of a token, 64 hex characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _parse(path: Path) -> list[Token]:
    try:
        document: Any = json.loads(path.read_bytes())
        items = cast("list[dict[str, Any]]", document["tokens"])
        return [
            Token(
                name=str(item["name"]),
                sha256=str(item["sha256"]),
                namespaces=tuple(str(each) for each in item["namespaces"]),
                writes=tuple(str(each) for each in item["writes"]),
                created_at=int(item["created_at"]),
            )
            for item in items
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no file of tokens: {type(error).__name__}") from error

"""Keeps documents byte for byte, by their digest, and knows which were recorded already.

One SQLite file in the home (0600), shared by the gateway and imports. A document is stored before
its events are sealed and marked as recorded after, so a kill in between costs a repetition of the
same events with the same ids, never a document. A run belongs to the sender who spoke of it first.
Where a topic of Kafka was read to stands here too.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lineseal.producers.adapters.openlineage.kept import Bookmark, Entry, Refusal
from lineseal.schemas.errors import LogError, OutboxFull
from lineseal.schemas.ids import now_us
from lineseal.transport.embedded.names import make_private_folder

_TABLES = """
CREATE TABLE IF NOT EXISTS document(
  sha256 BLOB NOT NULL UNIQUE, bytes INTEGER NOT NULL, deflated BLOB NOT NULL,
  received_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS recorded(identity BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_owner(run_id TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused(
  sha256 BLOB NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, sender TEXT NOT NULL,
  stream TEXT NOT NULL, position INTEGER, refused_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS topic_position(
  topic TEXT NOT NULL, stream TEXT NOT NULL, identity TEXT NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY(topic, stream)) WITHOUT ROWID;
"""
_REFUSED = """
SELECT code, detail, sender, stream, position, refused_at, lower(hex(sha256)), bytes
FROM refused JOIN document USING (sha256)
WHERE (?1 IS NULL OR code = ?1) AND substr(lower(hex(sha256)), 1, length(?2)) = ?2
ORDER BY refused.rowid DESC LIMIT ?3"""
_BUSY_SECONDS = 10.0
_PAGE_BYTES = 8192
_ASKED_AT_ONCE = 500
_LEVEL = 1
"""Documents repeat themselves, so that the fastest compression takes most of it."""


class Ledger:
    """The file of documents. Safe to share between threads."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        """Open the file at *path*, made when it is not there; it never grows over *max_bytes*.

        Raises:
            LogError: It cannot be made or opened, or is no such file.

        """
        self._path = path
        self._lock = threading.Lock()
        make_private_folder(path.parent)
        try:
            # SQLite gives the files beside it the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._prepare(max_bytes)
        except (OSError, sqlite3.Error) as error:
            raise LogError(f"cannot open {path}: {error}") from error

    def _prepare(self, max_bytes: int) -> None:
        run = self._connection.execute
        run("PRAGMA trusted_schema = OFF")
        run(f"PRAGMA page_size = {_PAGE_BYTES}")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        self._connection.executescript(_TABLES)
        page = run("PRAGMA page_size").fetchone()[0]
        run(f"PRAGMA max_page_count = {max(64, max_bytes // page)}")

    def recorded(self, identities: Sequence[bytes]) -> set[bytes]:
        """Return which of the identities were recorded."""
        return {
            row[0]
            for row in self._among("SELECT identity FROM recorded WHERE identity", identities)
        }

    def owners(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Return who spoke first of which of the runs."""
        return dict(self._among("SELECT run_id, owner FROM run_owner WHERE run_id", run_ids))

    def keep(self, entries: Sequence[Entry]) -> None:
        """Store documents, and whose their runs are; durable on return.

        Raises:
            OutboxFull: The disk is full, or the file as large as it may be.
            LogError: They cannot be stored.

        """
        now = now_us()
        documents = [
            (hashlib.sha256(e.text).digest(), len(e.text), zlib.compress(e.text, _LEVEL), now)
            for e in entries
        ]
        owners = [(e.run_id, e.owner) for e in entries if e.run_id is not None and e.owner]
        self._write(
            ("INSERT OR IGNORE INTO document VALUES (?, ?, ?, ?)", documents),
            ("INSERT OR IGNORE INTO run_owner VALUES (?, ?)", owners),
        )

    def mark(self, entries: Sequence[Entry]) -> None:
        """Remember that the events of these documents are durable.

        Raises:
            OutboxFull, LogError: As for ``keep``.

        """
        rows = [(entry.identity,) for entry in entries]
        # Losing a mark with the power costs a repetition, so it need not be synced.
        self._write(("INSERT OR IGNORE INTO recorded VALUES (?)", rows), synchronous="NORMAL")

    def refuse(self, refusal: Refusal, text: bytes) -> None:
        """Store what was refused, with the reason; durable on return.

        Raises:
            OutboxFull, LogError: As for ``keep``.

        """
        digest = hashlib.sha256(text).digest()
        row = (
            digest, refusal.code, refusal.detail, refusal.sender, refusal.stream,
            refusal.position, refusal.at,
        )  # fmt: skip
        document = (digest, len(text), zlib.compress(text, _LEVEL), refusal.at)
        self._write(
            ("INSERT OR IGNORE INTO document VALUES (?, ?, ?, ?)", [document]),
            ("INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)", [row]),
        )

    def refusals(self, *, code: str | None, prefix: str, most: int) -> list[Refusal]:
        """Return what was refused, the newest first.

        Args:
            code: Only with this code; None for all.
            prefix: Only with a SHA-256 that starts with these hex characters.
            most: At most so many.

        Raises:
            LogError: It cannot be read.

        """
        try:
            with self._lock:
                rows = self._connection.execute(_REFUSED, (code, prefix, most)).fetchall()
        except sqlite3.Error as error:
            raise LogError(f"cannot read {self._path}: {error}") from error
        return [Refusal(*row) for row in rows]

    def bookmark(self, topic: str) -> Bookmark:
        """Return where to read on in a topic.

        Raises:
            LogError: It cannot be read.

        """
        select = "SELECT stream, position, identity FROM topic_position WHERE topic"
        rows = list(self._among(select, [topic]))
        return Bookmark({row[0]: row[1] for row in rows}, rows[0][2] if rows else None)

    def move(self, topic: str, bookmark: Bookmark) -> None:
        """Remember where to read on, once everything before it is durable.

        Raises:
            OutboxFull, LogError: As for ``keep``.

        """
        rows = [
            (topic, stream, bookmark.identity, position)
            for stream, position in bookmark.positions.items()
        ]
        # Losing one with the power costs repetitions, which are recognised.
        self._write(
            ("DELETE FROM topic_position WHERE topic = ?", [(topic,)]),
            ("INSERT INTO topic_position VALUES (?, ?, ?, ?)", rows),
            synchronous="NORMAL",
        )

    def read(self, digest: str) -> bytes | None:
        """Return the document with a digest (``sha256:`` and 64 hex characters), or None.

        Raises:
            LogError: It cannot be read, or is not what its digest says.

        """
        key = bytes.fromhex(digest.removeprefix("sha256:"))
        found = list(self._among("SELECT deflated, bytes FROM document WHERE sha256", [key]))
        if not found:
            return None
        deflated, size = found[0]
        try:
            text = zlib.decompressobj().decompress(deflated, size)
        except zlib.error:
            text = b""
        if hashlib.sha256(text).digest() != key:
            raise LogError(f"{self._path}: the document {digest} was changed on the disk")
        return text

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _among(
        self, select: str, keys: Sequence[bytes] | Sequence[str]
    ) -> Iterable[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        try:
            with self._lock:
                for start in range(0, len(keys), _ASKED_AT_ONCE):
                    part = keys[start : start + _ASKED_AT_ONCE]
                    marks = ",".join("?" * len(part))
                    rows += self._connection.execute(f"{select} IN ({marks})", part).fetchall()
        except sqlite3.Error as error:
            raise LogError(f"cannot read {self._path}: {error}") from error
        return rows

    def _write(
        self, *statements: tuple[str, Sequence[tuple[Any, ...]]], synchronous: str = "FULL"
    ) -> None:
        try:
            with self._lock:
                self._connection.execute(f"PRAGMA synchronous = {synchronous}")
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    for statement, rows in statements:
                        self._connection.executemany(statement, rows)
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise OutboxFull(
                    f"{self._path} takes no more documents: the disk is full, or "
                    "[gateway] max_bytes is reached"
                ) from error
            raise LogError(f"cannot write {self._path}: {error}") from error

"""Remembers beside the store what a new store could not know: when a batch was first seen.

A key is judged at the first recorded log or ingest time (DESIGN 4.3). The embedded log records
none, and a store may be lost or made anew: without this file a rebuild after a revocation would
refuse good old records. It also holds which keyring was used last, so that a fresh store accepts
no older one. Written before the store commits: a batch that was seen was seen, whatever came of
it. Whoever may write to this file may write to the store: it is no more trusted. ADR-0012.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from lineseal.schemas.errors import StoreError

SUFFIX = ".seen.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
  header_sha256 BLOB PRIMARY KEY, seen_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Memory:
    """Holds the file beside one store. Not safe to share between threads or processes."""

    def __init__(self, store: Path) -> None:
        """Name the file of the store at *store*; the first use opens it (0600)."""
        self.path = store.with_suffix(SUFFIX)
        self._connection: sqlite3.Connection | None = None

    def seen_at(self, header_sha256: str) -> int | None:
        """Return when a batch was first accepted, microseconds UTC, or None."""
        row = self._open().execute(
            "SELECT seen_at FROM batch WHERE header_sha256 = ?", (bytes.fromhex(header_sha256),)
        )
        found = row.fetchone()
        return None if found is None else int(found[0])

    def knows_any(self) -> bool:
        """Tell whether any batch was ever accepted; the file is not made for asking."""
        if not self.path.exists():
            return False
        return self._open().execute("SELECT 1 FROM batch LIMIT 1").fetchone() is not None

    def fact(self, name: str) -> str | None:
        """Return what was recorded under *name*, or None."""
        found = self._open().execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def remember(
        self, headers: Iterable[str], seen_at: int, facts: Mapping[str, str] | None = None
    ) -> None:
        """Record, durably, that batches are seen *seen_at*; a first time is never changed.

        Raises:
            StoreError: The file cannot be written.

        """
        rows = [(bytes.fromhex(header), seen_at) for header in headers]
        known = {name: value for name, value in (facts or {}).items() if self.fact(name) != value}
        if not rows and not known:
            return
        try:
            with self._open() as connection:
                connection.executemany("INSERT OR IGNORE INTO batch VALUES (?, ?)", rows)
                connection.executemany(
                    "INSERT INTO fact VALUES (?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    list(known.items()),
                )
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {self.path}: {error}") from error

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self.path.touch(mode=0o600)
                connection = sqlite3.connect(self.path, check_same_thread=False)
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"cannot open {self.path}: {error}") from error
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_SCHEMA)
            except sqlite3.Error as error:
                connection.close()
                raise StoreError(f"cannot use {self.path}: {error}; move it away") from error
            self._connection = connection
        return self._connection

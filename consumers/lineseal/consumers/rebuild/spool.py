"""Finds records of the log by stream, position and digest, in whatever order they are wanted.

A log is read from its beginning to its end; commits took its streams in turns. What was read and
is not wanted yet waits in a SQLite file beside the store: at worst as much as the whole log.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lineseal.consumers.delivery import Place, place_of
from lineseal.schemas.errors import LogGap, StoreError
from lineseal.transport.base import LogReader, LogRecord

_AT_ONCE = 512
_SCHEMA = """
CREATE TABLE record (
  stream TEXT NOT NULL, position INTEGER NOT NULL, sha256 TEXT NOT NULL,
  key TEXT NOT NULL, value BLOB NOT NULL, logged_at INTEGER, seen_at INTEGER,
  PRIMARY KEY (stream, position, sha256)
);
CREATE INDEX by_time ON record (seen_at);
"""
_FIELDS = "stream, position, key, value, logged_at"
_AT = " WHERE stream = ? AND position = ? AND sha256 = ?"


class Spool:
    """Reads a log once and hands out its records. Not safe to share; close it."""

    def __init__(
        self,
        path: Path,
        reader: LogReader,
        seen_at: Callable[[LogRecord], int | None] = lambda _record: None,
    ) -> None:
        """Read *reader* from its start into a new file at *path* (0600).

        Args:
            path: Removed when closed.
            reader: The log.
            seen_at: Gives what ``times`` sorts by.

        Raises:
            StoreError: The file cannot be made.

        """
        self._path = path
        self._reader = reader
        self._seen_at = seen_at
        self._ended = False
        self._next: dict[str, int] = {}
        path.unlink(missing_ok=True)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot make {path}: {error}") from error
        reader.seek({})

    def find(self, places: Sequence[Place]) -> list[LogRecord | None]:
        """Return these records, reading on as far as needed; None for one the log has not."""
        found: dict[Place, LogRecord] = {}
        missing = list(places)
        while True:
            for place in missing:
                row = self._one(f"SELECT {_FIELDS} FROM record{_AT}", place)  # noqa: S608
                if row is not None:
                    found[place] = _record(row)
            missing = [place for place in missing if place not in found]
            if not missing or not self._read_on():
                return [found.get(place) for place in places]

    def drop(self, places: Sequence[Place]) -> None:
        """Forget records that are dealt with."""
        self._connection.executemany(f"DELETE FROM record{_AT}", places)  # noqa: S608 - our text

    def read_all(self) -> int:
        """Read the log to its end; return how many records wait."""
        while self._read_on():
            pass
        row = self._one("SELECT count(*) FROM record", ())
        return 0 if row is None else int(row[0])

    def drop_from(self, positions: Mapping[str, int]) -> int:
        """Forget what lies at *positions* or behind; return how many records that were."""
        names = self._connection.execute("SELECT DISTINCT stream FROM record").fetchall()
        dropped = 0
        for (stream,) in names:
            dropped += self._connection.execute(
                "DELETE FROM record WHERE stream = ? AND position >= ?",
                (stream, positions.get(stream, 0)),
            ).rowcount
        return dropped

    def times(self) -> list[int | None]:
        """Return the different times of what waits, the earliest first, None last."""
        rows = self._connection.execute(
            "SELECT DISTINCT seen_at FROM record ORDER BY seen_at NULLS LAST"
        )
        return [time for (time,) in rows]

    def at(self, time: int | None) -> Iterator[LogRecord]:
        """Yield what waits with that time, stream by stream."""
        rows = self._connection.execute(
            f"SELECT {_FIELDS} FROM record WHERE seen_at IS ? ORDER BY stream, position",  # noqa: S608
            (time,),
        )
        for row in rows:
            yield _record(row)

    def __enter__(self) -> Self:
        """Return the spool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the file."""
        self._connection.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _read_on(self) -> bool:
        """Take in what the log gives next; return False at its end."""
        if self._ended:
            return False
        try:
            records = self._reader.poll(_AT_ONCE, 0)
        except LogGap as gap:
            self._next[gap.stream] = gap.resume
            self._reader.seek(self._next)
            return True
        self._ended = not records
        rows: list[tuple[Any, ...]] = []
        for record in records:
            self._next[record.stream] = record.next_position
            fields = (*place_of(record), record.key, record.value, record.logged_at)
            rows.append((*fields, self._seen_at(record)))
        try:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {self._path}: {error}") from error
        return not self._ended

    def _one(self, sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return row


def _record(row: tuple[Any, ...]) -> LogRecord:
    stream, position, key, value, logged_at = row
    return LogRecord(stream=stream, position=position, key=key, value=value, logged_at=logged_at)

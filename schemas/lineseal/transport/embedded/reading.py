"""Reads an outbox file while its writer lives, or after it was killed.

A read-only connection sees what is in the write-ahead log too. After a kill it rebuilds the
log's index in shared memory, and writes neither the file nor the log.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from lineseal.schemas.errors import LogError, OutboxDamaged
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded.faults import to_log_error
from lineseal.transport.embedded.names import OutboxFile
from lineseal.transport.embedded.schema import check_format

_BUSY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Want:
    """Say how much to read: at most *records*, and none after *size* bytes are reached."""

    records: int
    size: int

    def less(self, records: list[LogRecord]) -> Want:
        """Return what is wanted after *records*."""
        size = sum(len(record.value) for record in records)
        return Want(self.records - len(records), self.size - size)

    @property
    def nothing(self) -> bool:
        """Return True when enough was read."""
        return self.records <= 0 or self.size <= 0


def read_batches(file: OutboxFile, start: int, want: Want) -> tuple[list[LogRecord], int]:
    """Read at most as many batches as wanted, from position *start* on.

    Where a file is damaged behind some readable batches, these are returned, and the next call
    raises.

    Returns:
        The records, and the position the file's next batch will get.

    Raises:
        OutboxDamaged: The file is no outbox, or is damaged at *start*.
        LogError: It cannot be read now: it is being made, recovered, closed or removed.

    """
    records: list[LogRecord] = []
    size = 0
    query = "SELECT position, key, value FROM batch WHERE position >= ? ORDER BY position LIMIT ?"
    with _reading(file) as connection:
        end = int(connection.execute("SELECT next_position FROM meta").fetchone()[0])
        try:
            for row in connection.execute(query, (start, want.records)):
                records.append(_record(file, *row))
                size += len(records[-1].value)
                if size >= want.size:
                    break
        except (sqlite3.DatabaseError, OutboxDamaged):
            if not records:
                raise
    return records, end


def _record(file: OutboxFile, position: int, key: Any, value: Any) -> LogRecord:
    if not isinstance(key, str) or not isinstance(value, bytes):
        raise OutboxDamaged(f"{file.database} is damaged: batch {position} is not one")
    return LogRecord(stream=file.stream, position=position, key=key, value=value, logged_at=None)


@contextlib.contextmanager
def _reading(file: OutboxFile) -> Generator[sqlite3.Connection]:
    uri = f"{file.database.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        ) as connection:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                raise LogError(f"{file.database} is still empty")
            check_format(connection, file)
            yield connection
    except sqlite3.Error as error:
        raise to_log_error(error, file.database) from error

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
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded.faults import to_log_error
from lineseal.transport.embedded.forking import FORK_GATE
from lineseal.transport.embedded.names import OutboxFile
from lineseal.transport.embedded.schema import MAX_POSITION, check_format, distrust

_BUSY_SECONDS = 0.2
_MAX_VALUE_BYTES = MAX_RECORD_BYTES + 64 * 1024
"""SQLite itself fetches no larger value from a file that is read."""
_BATCHES = """
    SELECT position,
        CASE typeof(key) WHEN 'text' THEN CAST(key AS BLOB) END,
        CASE WHEN typeof(value) = 'blob' AND length(value) <= ? THEN value END
    FROM batch WHERE position >= ? ORDER BY position LIMIT ?"""
_ENDS = """
    SELECT CASE typeof(next_position) WHEN 'integer' THEN next_position END,
        (SELECT min(position) FROM batch), (SELECT max(position) FROM batch) FROM meta"""


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
    with _reading(file) as connection:
        end = _end(connection, file)
        try:
            for row in connection.execute(_BATCHES, (MAX_RECORD_BYTES, start, want.records)):
                records.append(_record(file, *row))
                size += len(records[-1].value)
                if size >= want.size:
                    break
        except (sqlite3.DatabaseError, OutboxDamaged):
            if not records:
                raise
    return records, end


def next_position(file: OutboxFile) -> int:
    """Return the position the file's next batch will get; errors as for ``read_batches``."""
    with _reading(file) as connection:
        return _end(connection, file)


def _record(file: OutboxFile, position: int, key: Any, value: Any) -> LogRecord:
    try:
        text = None if key is None else bytes(key).decode()
    except UnicodeDecodeError:
        text = None
    if text is None or not isinstance(value, bytes):
        raise OutboxDamaged(f"{file.database} is damaged: batch {position} is not one")
    return LogRecord(stream=file.stream, position=position, key=text, value=value, logged_at=None)


def _end(connection: sqlite3.Connection, file: OutboxFile) -> int:
    """Return the position the next batch will get."""
    end, first, last = connection.execute(_ENDS).fetchone()
    positions = [end] if first is None else [end, first, last]
    if not all(type(n) is int and 0 <= n <= MAX_POSITION for n in positions):
        raise OutboxDamaged(f"{file.database} is damaged: positions are none")
    return int(end)


@contextlib.contextmanager
def _reading(file: OutboxFile) -> Generator[sqlite3.Connection]:
    try:
        with (
            FORK_GATE.inside(),
            contextlib.closing(connect_read_only(file, _BUSY_SECONDS)) as connection,
        ):
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                raise LogError(f"{file.database} is still empty")
            check_format(connection, file)
            yield connection
    except sqlite3.Error as error:
        raise to_log_error(error, file.database) from error


def connect_read_only(file: OutboxFile, timeout: float) -> sqlite3.Connection:
    """Open *file* for reading one state of it, waiting at most *timeout* seconds for a lock.

    Raises:
        sqlite3.Error: It cannot be opened.

    """
    uri = f"{file.database.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    try:
        distrust(connection)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        # What is checked and what is read are the same state.
        connection.execute("BEGIN")
    except BaseException:
        connection.close()
        raise
    return connection

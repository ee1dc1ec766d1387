"""Opens an outbox file for writing, whatever state the last opening left it in."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded.database import OutboxDatabase
from lineseal.transport.embedded.faults import is_busy, to_log_error
from lineseal.transport.embedded.forking import FORK_GATE
from lineseal.transport.embedded.macs import FileMacs
from lineseal.transport.embedded.names import OutboxFile
from lineseal.transport.embedded.schema import distrust, prepare

_BUSY_SECONDS = 5.0
_OPEN_PATIENCE_SECONDS = 10.0
_RETRY_SECONDS = 0.01
_WAL_LIMIT_BYTES = 16 * 1024 * 1024
_CHECKPOINT_PAGES = 500
"""Half of SQLite's default: the commit that pays for a checkpoint pays half as much."""


def open_database(
    file: OutboxFile, producer: str, row_keys: Sequence[bytes] = ()
) -> OutboxDatabase:
    """Open *file* for writing, made (0600) when it is not there. Hold its lock first.

    With *row_keys* pending events are authenticated by the first and believed under any of them.

    Raises:
        OutboxDamaged: It is no outbox, is damaged, or was written by a newer Lineseal.
        LogError: It cannot be opened now.

    """
    deadline = time.monotonic() + _OPEN_PATIENCE_SECONDS
    while True:
        try:
            with FORK_GATE.inside():
                return _open_once(file, producer, FileMacs(row_keys, file.stream))
        except sqlite3.Error as error:
            # Switching to the write-ahead log fails at once, without SQLite's own waiting, when
            # a reader recovers the file at that moment.
            if not is_busy(error) or time.monotonic() > deadline:
                raise to_log_error(error, file.database) from error
        time.sleep(_RETRY_SECONDS)


def _open_once(file: OutboxFile, producer: str, macs: FileMacs) -> OutboxDatabase:
    _create_private(file)
    connection = sqlite3.connect(
        file.database, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        distrust(connection)
        _configure(connection, file)
        mark = prepare(connection, file, producer)
        database = OutboxDatabase(connection, file, mark, macs)
        database.refresh()
    except BaseException:
        connection.close()
        raise
    return database


def _configure(connection: sqlite3.Connection, file: OutboxFile) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LogError(f"{file.database} cannot use a write-ahead log on this file system")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")


def _create_private(file: OutboxFile) -> None:
    try:
        descriptor = os.open(file.database, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        folder = os.open(file.database.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return
    except OSError as error:
        raise LogError(f"cannot make {file.database}: {error.strerror}") from error

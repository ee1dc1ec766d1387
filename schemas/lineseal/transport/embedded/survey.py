"""Answers how many events and batches lie in each file of a log folder, and who writes it."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.errors import LogError, OutboxDamaged
from lineseal.transport.embedded.faults import to_log_error
from lineseal.transport.embedded.ledger import Ledger
from lineseal.transport.embedded.lock import try_lock
from lineseal.transport.embedded.names import OutboxFile, stream_names
from lineseal.transport.embedded.reading import connect_read_only
from lineseal.transport.embedded.schema import check_format

_BUSY_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxState:
    """Describe one file; the counts are None when it cannot be read, and ``problem`` says why.

    Attributes:
        stream: The file's name.
        producer: Whose events it holds.
        pending: Events accepted and not sealed yet.
        batches: Sealed batches in the file.
        size_bytes: Size of the file and its write-ahead log.
        in_use: Whether a process has it open for writing. Pending events of a file that nobody
            has open were left by a crash.
        problem: Why it cannot be read.

    """

    stream: str
    producer: str | None = None
    pending: int | None = None
    batches: int | None = None
    size_bytes: int
    in_use: bool
    problem: LogError | None = None


def survey(folder: Path) -> list[OutboxState]:
    """Look at every file in *folder*, by name, and at those that were there and are gone.

    Raises:
        LogError: The folder cannot be listed.

    """
    states = [_look(OutboxFile(folder / name)) for name in sorted(stream_names(folder))]
    here = {state.stream for state in states}
    return [*states, *(_gone(name) for name in Ledger(folder).missing() if name not in here)]


def _gone(stream: str) -> OutboxState:
    problem = OutboxDamaged(
        f"{stream} was here and is gone: what nobody had read of it is lost; put it back, or find"
        " out who removed it"
    )
    return OutboxState(stream=stream, size_bytes=0, in_use=False, problem=problem)


def _look(file: OutboxFile) -> OutboxState:
    size = sum(path.stat().st_size for path in (file.database, file.wal) if path.exists())
    in_use = _in_use(file)
    try:
        producer, pending, batches = _counts(file)
    except LogError as error:
        return OutboxState(stream=file.stream, size_bytes=size, in_use=in_use, problem=error)
    return OutboxState(
        stream=file.stream,
        producer=producer,
        pending=pending,
        batches=batches,
        size_bytes=size,
        in_use=in_use,
    )


def producer_of(file: OutboxFile) -> str:
    """Return whose events *file* holds.

    Raises:
        LogError: It cannot be read.

    """
    return _counts(file)[0]


def _counts(file: OutboxFile) -> tuple[str, int, int]:
    try:
        with contextlib.closing(connect_read_only(file, _BUSY_SECONDS)) as connection:
            check_format(connection, file)
            row = connection.execute(
                "SELECT producer, (SELECT count(*) FROM pending), (SELECT count(*) FROM batch)"
                " FROM meta"
            ).fetchone()
    except sqlite3.Error as error:
        raise to_log_error(error, file.database) from error
    return str(row[0]), int(row[1]), int(row[2])


def _in_use(file: OutboxFile) -> bool:
    if not file.lock.exists():
        return False
    held = try_lock(file.lock)
    if held is None:
        return True
    held.release()
    return False

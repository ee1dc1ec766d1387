"""Finds the file an opening may write, and the state the last one left it in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lineseal.schemas.errors import LogError, OutboxDamaged, OutboxForged
from lineseal.transport.embedded.connecting import open_database
from lineseal.transport.embedded.database import OutboxDatabase
from lineseal.transport.embedded.ledger import Ledger
from lineseal.transport.embedded.lock import HeldLock, Marks, try_lock
from lineseal.transport.embedded.names import OutboxFile, files_of, numbered
from lineseal.transport.embedded.voice import LOGGER

_MAX_NUMBER = 10_000


@dataclass(frozen=True, slots=True)
class Opening:
    """Hold a file's lock and connection.

    ``reason`` goes into the genesis of the epoch: ``opened``; ``recovered`` (a crashed opening
    left pending events); ``lost`` (there was a file before, this or one of ``missed``, and it is
    gone); ``rolled back`` (the
    file is behind what was given out: an old copy, or its tail is lost; or somebody else wrote
    what it says about itself).
    """

    file: OutboxFile
    lock: HeldLock
    database: OutboxDatabase
    reason: str
    missed: tuple[str, ...] = ()


def claim_file(folder: Path, producer: str, row_keys: Sequence[bytes] = ()) -> Opening:
    """Open the producer's lowest-numbered file that nobody else has open.

    With *row_keys* its pending events are authenticated, see ``open_database``.

    Raises:
        LogError: No file can be locked or opened.

    """
    ledger = Ledger(folder)
    missed = ledger.missed_by(producer)
    for name in missed:
        LOGGER.warning("%s is gone; what nobody had read of it is lost", folder / name)
    for number in range(_MAX_NUMBER):
        opening = _try_open(numbered(folder, producer, number), producer, row_keys)
        if opening is not None:
            ledger.note(opening.file.stream)
            return replace(opening, reason="lost", missed=tuple(missed)) if missed else opening
    raise LogError(f"{_MAX_NUMBER} outbox files of {producer} in {folder} are all in use")


def claim_orphans(folder: Path, producer: str, row_keys: Sequence[bytes]) -> Iterator[Opening]:
    """Open one after the other the producer's files that nobody has open.

    Raises:
        LogError: A file cannot be opened now.

    """
    for file in files_of(folder, producer):
        opening = _try_open(file, producer, row_keys)
        if opening is not None:
            yield opening


def open_existing(file: OutboxFile, producer: str) -> Opening | None:
    """Open a file that is there, whoever's it is; None when it is in use, damaged or gone.

    Raises:
        LogError: It cannot be opened now.

    """
    return _try_open(file, producer, ()) if file.database.exists() else None


def _try_open(file: OutboxFile, producer: str, row_keys: Sequence[bytes]) -> Opening | None:
    """Open *file*; None when it is in use, damaged, or another producer's."""
    lock = try_lock(file.lock)
    if lock is None:
        return None
    opening = None
    try:
        opening = _open_locked(file, lock, producer, row_keys)
    except OutboxDamaged as error:
        # It stays as it is, for the reader to report; this producer goes on in another file.
        LOGGER.warning("%s", error)
    finally:
        if opening is None:
            lock.release()
    return opening


def _open_locked(
    file: OutboxFile, lock: HeldLock, producer: str, row_keys: Sequence[bytes]
) -> Opening | None:
    database = open_database(file, producer, row_keys)
    try:
        if database.producer != producer:
            # Two names that one file name stands for, as on file systems that fold case.
            LOGGER.warning("%s belongs to another producer", file.database)
            database.close()
            return None
        marks = lock.read_marks()
        reason = _reason(database.marks, marks)
        if not database.is_authentic:
            LOGGER.warning(
                "%s", OutboxForged(f"the state of {file.database} is not what its producer left")
            )
            reason = "rolled back"
        database.catch_up(marks)
    except BaseException:
        database.close()
        raise
    return Opening(file, lock, database, reason)


def _reason(now: Marks, before: Marks) -> str:
    if now.next_position < before.next_position or now.last_row < before.last_row:
        return "rolled back" if now.next_position or now.last_row else "lost"
    return "recovered" if now.last_row > now.sealed_row else "opened"

"""Answers who may write an outbox file, and how far its positions ever got.

The lock is ``flock`` on a file of its own: it dies with the process, also after kill -9, and it
is not one of the POSIX locks SQLite uses. The lock file also holds *marks*: how far the database
had come. A database that is behind them was deleted, restored from an old copy, or lost its tail
(SQLite drops the end of a damaged write-ahead log without a word). It must not give the same
positions out again, or readers would skip new batches; and pending events it lost are counted
(attack table A17, faults F21 to F24). Marks are not synced: they outlive a kill, and after a
power cut they are only missing, never ahead.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import weakref
from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded.forking import FORK_GATE

_ABSURD = 1 << 62
"""Numbers are 64-bit; a mark near their end is damage, not a count."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Say how far a database had come.

    Attributes:
        next_position: Position the next batch gets.
        sealed_row: Number of the last row that went into a batch.
        last_row: Number of the last accepted row.

    """

    next_position: int = 0
    sealed_row: int = 0
    last_row: int = 0


_MARK_LINE = struct.Struct(">4sQQQ")
_MAGIC = b"LSM1"


_held: weakref.WeakSet[HeldLock] = weakref.WeakSet()


class HeldLock:
    """Owns one lock file until ``release``."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        _held.add(self)

    def read_marks(self) -> Marks:
        """Return what was noted last; all zero when nothing was or it is unreadable."""
        line = os.pread(self._descriptor, _MARK_LINE.size, 0)
        if len(line) != _MARK_LINE.size:
            return Marks()
        magic, *numbers = _MARK_LINE.unpack(line)
        return Marks(*numbers) if magic == _MAGIC and max(numbers) < _ABSURD else Marks()

    def note(self, marks: Marks) -> None:
        """Note how far the database is. A second witness only: a full disk does not fail it."""
        line = _MARK_LINE.pack(_MAGIC, marks.next_position, marks.sealed_row, marks.last_row)
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, line, 0)

    def release(self) -> None:
        """Close the descriptor; in a forked child the parent keeps its lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _release_in_child() -> None:
    """Keep no lock of the parent's: a child that outlives it would be in everybody's way."""
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_release_in_child)


def try_lock(path: Path) -> HeldLock | None:
    """Lock *path*, made (0600) when it is not there; None when another opening holds it.

    Raises:
        LogError: The file cannot be made, or the file system has no locks.

    """
    with FORK_GATE.inside():
        return _try_lock(path)


def _try_lock(path: Path) -> HeldLock | None:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LogError(f"cannot open {path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(descriptor, path):
                return HeldLock(descriptor, path)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise LogError(f"cannot lock {path}: {error.strerror}") from error
        # Somebody removed the file between open and flock: a lock nobody else would see.
        os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False

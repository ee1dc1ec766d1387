"""Reads what was sealed in a folder since the positions a consumer remembers.

Each file is a stream. It is opened read-only for one query and closed again: such a connection
takes no lock a writer waits for, and never checkpoints. A file that has not changed since its end
was reached is not opened at all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.errors import LogError, OutboxDamaged
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded.ledger import Ledger
from lineseal.transport.embedded.names import DATABASE_SUFFIX, OutboxFile, stream_names
from lineseal.transport.embedded.reading import Want, read_batches
from lineseal.transport.embedded.voice import LOGGER

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.1
_SETTLED_SECONDS = 2.0
"""A file's times are trusted once they are this old: clocks of file systems are coarse, and two
commits within one tick look the same."""
_MAX_POLL_BYTES = 32 * 1024 * 1024
_PATIENCE_SECONDS = 10.0
"""A file is being made, recovered or closed for moments; longer deserves a warning."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What a file looked like: inode, then size and modification time of file and WAL."""

    state: tuple[int, ...]
    settled: bool


class EmbeddedLogReader:
    """Reads all embedded log files of a folder. Implements ``LogReader``."""

    def __init__(self, folder: Path) -> None:
        """Read *folder*, which need not exist yet."""
        self._folder = folder
        self._positions: dict[str, int] = {}
        self._exhausted: dict[str, _Look] = {}
        self._damaged: dict[str, OutboxDamaged] = {}
        self._unreadable: dict[str, float] = {}
        self._last_served = ""

    @property
    def damaged(self) -> Mapping[str, OutboxDamaged]:
        """Return the streams that cannot be read on, and why; the others go on."""
        return dict(self._damaged)

    def gone(self, positions: Mapping[str, int]) -> list[str]:
        """Return the files that are not here: read before, or made and never read.

        Args:
            positions: How far streams were read.

        Raises:
            LogError: The folder cannot be listed.

        """
        here = set(stream_names(self._folder))
        read = {s for s in positions if s.endswith(DATABASE_SUFFIX)}
        return sorted((read | set(Ledger(self._folder).missing())) - here)

    def seek(self, positions: Mapping[str, int]) -> None:
        """Read on from *positions*; streams not named start at their first record."""
        self._positions = dict(positions)
        self._exhausted.clear()

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return at most *limit* records, waiting up to *timeout* seconds for the first.

        Fewer come when they hold more than 32 MiB. No stream is served twice before the others
        had their turn.

        Raises:
            LogError: The folder cannot be read; positions are unchanged.

        """
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE_SECONDS
        while True:
            records = self._sweep(limit)
            left = deadline - time.monotonic()
            if records or left <= 0:
                return records
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def close(self) -> None:
        """Forget what was learnt; no file is open between polls."""
        self._exhausted.clear()

    def _sweep(self, limit: int) -> list[LogRecord]:
        names = sorted(stream_names(self._folder))
        turn = [n for n in names if n > self._last_served]
        records: list[LogRecord] = []
        want = Want(limit, _MAX_POLL_BYTES)
        for name in turn + names[: len(names) - len(turn)]:
            if want.nothing:
                break
            found = self._read(name, want)
            if found:
                records += found
                want = want.less(found)
                self._last_served = name
        return records

    def _read(self, name: str, want: Want) -> list[LogRecord]:
        file = OutboxFile(self._folder / name)
        look = _look_at(file)
        if look is None or self._exhausted.get(name) == look:
            return []
        try:
            records, exhausted = self._read_from(file, self._positions.get(name, 0), want)
        except OutboxDamaged as error:
            if name not in self._damaged:
                LOGGER.warning("%s", error)
            self._damaged[name] = error
            return []
        except LogError as error:
            self._warn_when_it_lasts(name, error)
            return []
        self._damaged.pop(name, None)
        self._unreadable.pop(name, None)
        if records:
            self._positions[name] = records[-1].next_position
        if exhausted and look.settled:
            self._exhausted[name] = look
        return records

    def _read_from(self, file: OutboxFile, start: int, want: Want) -> tuple[list[LogRecord], bool]:
        records, end = read_batches(file, start, want)
        if not records and end < start:
            # An old copy, or a new file under an old name. Reading a batch twice is harmless.
            LOGGER.warning("%s ends before position %d: reading it anew", file.database, start)
            self._positions.pop(file.stream, None)
            records, end = read_batches(file, 0, want)
        return records, not records or records[-1].next_position >= end

    def _warn_when_it_lasts(self, name: str, error: LogError) -> None:
        now = time.monotonic()
        since = self._unreadable.setdefault(name, now)
        if now - since > _PATIENCE_SECONDS:
            LOGGER.warning("%s", error)
            self._unreadable[name] = math.inf


def _look_at(file: OutboxFile) -> _Look | None:
    """Look at a file from outside; None when it is gone or still empty."""
    try:
        main = file.database.stat()
    except OSError:
        return None
    if main.st_size == 0:
        return None
    try:
        wal = file.wal.stat()
        wal_state = (wal.st_size, wal.st_mtime_ns)
    except OSError:
        wal_state = (0, 0)
    newest = max(main.st_mtime_ns, wal_state[1]) / 1e9
    state = (main.st_ino, main.st_size, main.st_mtime_ns, *wal_state)
    return _Look(state, settled=newest < time.time() - _SETTLED_SECONDS)

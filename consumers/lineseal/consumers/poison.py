"""Finds the record that kills the process, so that it cannot do so for ever.

Before a step a small file beside the store says which records are about to be judged, and how often
that was tried; after the commit it says nothing. It is outside DuckDB's transaction, so it survives
a death that the transaction does not. A process that finds the file had a predecessor that died
there: after the second time at the same place the records are taken one by one, and a record over
which, by itself, three more processes died is not judged: it is kept as a reject with its bytes.
Whoever merely kills the process again and again hardly hits one record that often; if so,
``second_chance`` judges it once the log is idle, or 'lineseal rejects retry --code POISON_SKIPPED'.

Source: docs/kafka.md; attack A24.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lineseal.schemas.errors import StoreError
from lineseal.transport.base import LogRecord

FILE_NAME = "attempt.json"
_ALONE_FROM = 2
MAX_DEATHS = _ALONE_FROM + 3
"""After so many deaths at one place a record is skipped: the last three were over it alone."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Say what was about to be judged.

    Attributes:
        place: Hash of the store's positions before the step.
        stream: Stream of the first record.
        position: Position of the first record.
        count: How many records.
        deaths: How many processes died there, if this one does too.

    """

    place: str
    stream: str
    position: int
    count: int
    deaths: int

    def is_only(self, record: LogRecord) -> bool:
        """Tell whether it was about *record* and no other."""
        place = (self.count, self.stream, self.position)
        return place == (1, record.stream, record.position)


class PoisonGuard:
    """Keeps the file of one store. Not safe to share between threads."""

    def __init__(self, store: Path) -> None:
        """Look what a predecessor left beside the store file *store*."""
        self._path = store.parent / FILE_NAME
        self._before = _read(self._path)
        self._alone = 0
        if self._before is not None and self._before.deaths >= _ALONE_FROM:
            self._alone = self._before.count
        self._present = self._before is not None

    @property
    def alone(self) -> bool:
        """Tell whether the next record is to be judged by itself."""
        return self._alone > 0

    def is_poison(self, record: LogRecord) -> bool:
        """Tell whether three processes died over this very record."""
        before = self._before
        return before is not None and before.deaths >= MAX_DEATHS and before.is_only(record)

    def enter(self, records: Sequence[LogRecord], positions: Mapping[str, int]) -> None:
        """Say durably that *records* are about to be judged.

        Raises:
            StoreError: The file cannot be written.

        """
        before, place = self._before, _place(positions)
        first = records[0]
        deaths = 1
        if self.alone:
            deaths = _ALONE_FROM + 1
            if before is not None and before.is_only(first):
                deaths = max(deaths, before.deaths + 1)
        elif before is not None and before.place == place:
            deaths = before.deaths + 1
        attempt = Attempt(place, first.stream, first.position, len(records), deaths)
        write_note(self._path, asdict(attempt))
        self._present = True

    def leave(self) -> None:
        """Say that the step is over, however it ended."""
        self._alone = max(0, self._alone - 1)
        self._before = None
        if self._present:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._present = False


def _place(positions: Mapping[str, int]) -> str:
    return hashlib.sha256(json.dumps(sorted(positions.items())).encode()).hexdigest()


def _read(path: Path) -> Attempt | None:
    try:
        return Attempt(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_note(path: Path, note: Mapping[str, object]) -> None:
    """Write *note* beside the store, durably.

    Raises:
        StoreError: The file cannot be written.

    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(note, file)
            file.flush()
            os.fdatasync(file.fileno())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error

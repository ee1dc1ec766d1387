"""Remembers which batches the log's server has acknowledged.

``relay.json`` lies beside the outboxes' folder. It is replaced as a whole (new file, fsync,
rename), so a crash leaves the old state or the new one; the old one only costs that batches are
sent twice. It belongs to one topic, by the topic's id: positions say nothing about another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from lineseal.schemas.errors import LogError, RelayBusy, RelayCursorDamaged, TopicReplaced
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.embedded.atomic import replace_file
from lineseal.transport.embedded.lock import HeldLock, try_lock

FILE_NAME = "relay.json"
LOCK_NAME = "relay.lock"
_FORMAT = 1


class RelayCursor:
    """Holds the cursor file of one log folder, and the lock that makes its relay the only one."""

    def __init__(self, folder: Path, lock: HeldLock) -> None:
        self._path = folder / FILE_NAME
        self._lock: HeldLock | None = lock
        self._identity, self._positions = _read(self._path)

    @classmethod
    def open(cls, folder: Path) -> RelayCursor:
        """Open the cursor in *folder*, the parent of the outboxes' folder.

        Raises:
            RelayBusy: Another relay holds it.
            RelayCursorDamaged: The cursor file is none.
            LogError: It cannot be read.

        """
        lock = try_lock(folder / LOCK_NAME)
        if lock is None:
            raise RelayBusy(f"another relay ships from {folder}; one is enough")
        try:
            return cls(folder, lock)
        except BaseException:
            lock.release()
            raise

    @property
    def positions(self) -> Mapping[str, int]:
        """Return for each outbox file the position of the first batch not yet acknowledged."""
        return dict(self._positions)

    def bind(self, identity: str) -> None:
        """Say which topic is shipped to.

        Raises:
            TopicReplaced: The cursor belongs to another one.

        """
        if self._identity not in (None, identity):
            raise TopicReplaced(
                f"{self._path} counts what topic {self._identity} acknowledged; the topic is now"
                f" {identity}. 'lineseal relay --resend' ships all that the outboxes still hold"
            )
        self._identity = identity

    def forget(self) -> None:
        """Start over: everything the outboxes hold counts as not acknowledged."""
        self._identity, self._positions = None, {}

    def advance(self, positions: Mapping[str, int]) -> None:
        """Remember *positions* durably.

        Raises:
            LogError: The file cannot be written; the old one stands.

        """
        self._positions.update(positions)
        _write(
            self._path,
            {
                "format": _FORMAT,
                "topic": self._identity,
                "positions": self._positions,
            },
        )

    def close(self) -> None:
        """Release the lock; calling it twice is fine."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


def acknowledged_positions(folder: Path) -> dict[str, int]:
    """Return what the relay of *folder* remembers for each outbox file; takes no lock.

    Raises:
        LogError: It cannot be read.

    """
    return _read(folder / FILE_NAME)[1]


def all_acknowledged(outboxes: Path) -> bool:
    """Tell whether a relay has shipped all that the files in *outboxes* hold; takes no lock.

    Raises:
        LogError: Cursor or outboxes cannot be read.

    """
    _, positions = _read(outboxes.parent / FILE_NAME)
    reader = EmbeddedLogReader(outboxes)
    reader.seek(positions)
    return not reader.poll(1, 0.0)


def _read(path: Path) -> tuple[str | None, dict[str, int]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None, {}
    except OSError as error:
        raise LogError(f"cannot read {path}: {error.strerror}") from error
    try:
        document = json.loads(content)
        positions = cast("dict[str, Any]", document["positions"])
        known = document["format"] == _FORMAT
        identity, counts = document["topic"], {name: int(n) for name, n in positions.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RelayCursorDamaged(
            f"{path} is no relay cursor: {type(error).__name__}. Remove it to ship again all that"
            " the outboxes still hold"
        ) from error
    if not known:
        raise RelayCursorDamaged(f"{path} was written by a newer Lineseal; use that one")
    return identity, counts


def _write(path: Path, document: Mapping[str, Any]) -> None:
    replace_file(path, json.dumps(document).encode())

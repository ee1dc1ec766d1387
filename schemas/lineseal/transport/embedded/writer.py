"""Appends records that are sealed elsewhere, or not at all.

For alerts and rejects, and wherever a log is written without an outbox. Same files, same reader.
"""

from __future__ import annotations

from pathlib import Path

from lineseal.schemas.errors import LogError, TooLarge
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.embedded.names import make_private_folder
from lineseal.transport.embedded.opening import Opening, claim_file


class EmbeddedLogWriter:
    """Appends records to a file of its own; each is durable when ``append`` returns.

    Implements ``LogWriter``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Open the first free file of *name* in *folder*; makes both if need be.

        Raises:
            LogError: They cannot be made or opened.

        """
        make_private_folder(folder)
        self._opening: Opening | None = claim_file(folder, name)

    def append(self, key: str, value: bytes) -> None:
        """Store one record.

        Raises:
            TooLarge: The value is over 1 MiB.
            LogError: The log cannot take it; ``retryable`` says whether to try again.

        """
        if len(value) > MAX_RECORD_BYTES:
            raise TooLarge(f"the record is {len(value)} bytes, more than {MAX_RECORD_BYTES}")
        if self._opening is None:
            raise LogError("the log writer is closed")
        database, held = self._opening.database, self._opening.lock
        database.store_batches(key, [value])
        held.note(database.marks)

    def flush(self, timeout: float) -> int:  # noqa: ARG002 - nothing is ever outstanding
        """Return 0: every record was durable when ``append`` returned."""
        return 0

    def close(self) -> None:
        """Close the file and release its lock; calling it twice is fine."""
        opening, self._opening = self._opening, None
        if opening is not None:
            try:
                opening.database.close()
            finally:
                opening.lock.release()

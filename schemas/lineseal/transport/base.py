"""What a log promises: the two protocols every log implements (DESIGN 6).

Terms. A *stream* is a sequence of records that keeps its order: one outbox file of the embedded
log, one partition of a Kafka topic. A *position* is the number of the **next** record to read in
a stream; it is meaningful only to the log that gave it. Consumers store positions with their
rows and hand them back to ``seek``.

Promises: records of one producer epoch are delivered in the order they were appended, unless a
stream was damaged; every record is delivered at least once; a value is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

EVENTS_TOPIC = "events"
"""Topic of sealed batches; with Kafka it is prefixed: ``lineseal.events``."""
ALERTS_TOPIC = "alerts"
REJECTS_TOPIC = "rejects"
CHECKPOINTS_TOPIC = "checkpoints"
RECEIPTS_TOPIC = "receipts"
"""How far the materialiser has come with each producer, signed (``signing.receipt``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record as read from a log.

    Attributes:
        stream: Name of the stream, stable for the life of the log.
        position: This record's position in its stream, from 0.
        key: The producer's name as the log carries it; never trusted before verification.
        value: Exactly the bytes that were appended.
        logged_at: When the log stored it, microseconds UTC, or None when it does not say.

    """

    stream: str
    position: int
    key: str
    value: bytes
    logged_at: int | None

    @property
    def next_position(self) -> int:
        """Return the position to store once this record is dealt with."""
        return self.position + 1


class LogWriter(Protocol):
    """Appends records. Not safe to share between threads or across a fork."""

    def append(self, key: str, value: bytes) -> None:
        """Hand over one record; it may be acknowledged later.

        Raises:
            LogError: The log cannot take it; ``retryable`` says whether to try again.

        """
        ...

    def flush(self, timeout: float) -> int:
        """Wait up to *timeout* seconds and return how many records are not acknowledged yet."""
        ...

    def close(self) -> None:
        """Release files and connections; calling it twice is fine."""
        ...


class LogReader(Protocol):
    """Reads records. Not safe to share between threads."""

    def seek(self, positions: Mapping[str, int]) -> None:
        """Read on from *positions*; streams not named start at their first record."""
        ...

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return at most *limit* records, waiting up to *timeout* seconds for the first.

        Raises:
            LogError: The log cannot be read now; positions are unchanged.

        """
        ...

    def close(self) -> None:
        """Release files and connections; calling it twice is fine."""
        ...

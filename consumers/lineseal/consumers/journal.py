"""Numbers what was accepted or refused: the store's append-only log, and its rejects.

An entry's leaf is the RFC 6962 leaf hash of ``KIND|VALUE_SHA256|STREAM|POSITION|INGEST_TIME``
in UTF-8: numbers in decimal, the time in microseconds. Only the stream may hold a ``|``, and it
has fixed fields on both sides, so no two entries have the same bytes. One entry stands for each
accepted batch and for each reject; for a single refused event the value is the event's bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import duckdb

from lineseal.consumers.apply import Arrival
from lineseal.consumers.rows import Rows
from lineseal.schemas.errors import LinesealError
from lineseal.schemas.model import BatchHeader
from lineseal.signing.merkle import leaf_hash

BATCH = "BATCH"
REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Tail:
    """Say where the store's log ends.

    Attributes:
        next_log_index: Index of the next entry, from 0 without holes.
        next_reject_id: Number of the next reject, from 0 without holes.
        last_ingest_time: Ingest time of the last commit that wrote an entry, microseconds.

    """

    next_log_index: int
    next_reject_id: int
    last_ingest_time: int


def load_tail(connection: duckdb.DuckDBPyConnection) -> Tail:
    """Read where the store's log ends."""
    rows = connection.execute(
        "SELECT coalesce(max(log_index) + 1, 0), coalesce(epoch_us(max(ingest_time)), 0),"
        " (SELECT coalesce(max(reject_id) + 1, 0) FROM reject) FROM log_entry"
    ).fetchall()
    ((next_log_index, last_ingest_time, next_reject_id),) = rows
    return Tail(next_log_index, next_reject_id, last_ingest_time)


def entry_leaf(kind: str, value_sha256: str, arrival: Arrival) -> str:
    """Hash one entry into its leaf, 64 hex characters. The format is in the module's text."""
    fields = (kind, value_sha256, arrival.stream, arrival.position, arrival.ingest_time)
    return leaf_hash("|".join(map(str, fields)).encode()).hex()


class Journal:
    """Adds numbered entries and rejects to the rows of one commit."""

    def __init__(self, tail: Tail, rows: Rows) -> None:
        """Go on numbering at *tail* and add to *rows*."""
        self._next_log_index = tail.next_log_index
        self._next_reject_id = tail.next_reject_id
        self._last_ingest_time = tail.last_ingest_time
        self._rows = rows

    @property
    def tail(self) -> Tail:
        """Return where the log ends once these rows are committed."""
        return Tail(self._next_log_index, self._next_reject_id, self._last_ingest_time)

    def accept(self, value: bytes, arrival: Arrival) -> None:
        """Enter a batch that was accepted; *value* is the record's value."""
        self._enter(BATCH, hashlib.sha256(value).hexdigest(), arrival)

    def refuse(
        self,
        raw: bytes,
        error: LinesealError,
        arrival: Arrival,
        *,
        header: BatchHeader | None = None,
        event_index: int | None = None,
    ) -> None:
        """Keep refused bytes with the reason.

        Args:
            raw: The record's value, or the bytes of one event.
            error: Why it is refused.
            arrival: Where it came from.
            header: The batch's header when its signature was verified.
            event_index: Set when only this event of the batch is refused.

        """
        raw_sha256 = hashlib.sha256(raw).hexdigest()
        self._rows.add(
            "reject",
            {
                "reject_id": self._next_reject_id,
                "code": error.code,
                "detail": str(error),
                "stream": arrival.stream,
                "position": arrival.position,
                "log_key": arrival.log_key,
                "producer": header and header.producer,
                "epoch": header and header.epoch,
                "batch_seq": None if header is None else header.batch_seq,
                "event_index": event_index,
                "raw": raw,
                "raw_sha256": raw_sha256,
                "logged_at": arrival.logged_at,
                "ingest_time": arrival.ingest_time,
            },
        )
        self._next_reject_id += 1
        self._enter(REJECT, raw_sha256, arrival)

    def _enter(self, kind: str, value_sha256: str, arrival: Arrival) -> None:
        self._rows.add(
            "log_entry",
            {
                "log_index": self._next_log_index,
                "kind": kind,
                "value_sha256": value_sha256,
                "stream": arrival.stream,
                "position": arrival.position,
                "ingest_time": arrival.ingest_time,
                "leaf_sha256": entry_leaf(kind, value_sha256, arrival),
            },
        )
        self._next_log_index += 1
        self._last_ingest_time = arrival.ingest_time

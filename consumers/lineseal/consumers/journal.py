"""Says what the store's append-only log holds: one entry for all that was accepted or refused.

An entry is a JSON object in ASCII with sorted keys and no spaces: ``detail``, ``ingest_time``
(microseconds), ``kind``, ``position``, ``stream``, ``value_sha256``. Its leaf is the RFC 6962
hash of these bytes, so that anybody can compute it from the row of ``log_entry``. ``detail`` holds
what the rows of an accepted or refused record cannot show to be unchanged in another way. What
is numbered and hashed into the tree is for ``merkle_log``. ADR-0014.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from lineseal.consumers.apply import Arrival
from lineseal.consumers.rows import Row, Rows
from lineseal.schemas.errors import LinesealError
from lineseal.schemas.model import BatchHeader
from lineseal.signing.merkle import leaf_hash
from lineseal.signing.verify import VerifiedBatch

BATCH: Final = "BATCH"
REJECT: Final = "REJECT"
REJECT_DETAIL: Final = (
    "batch_seq",
    "code",
    "detail",
    "epoch",
    "event_index",
    "log_key",
    "logged_at",
    "producer",
    "reject_id",
)
"""Columns of ``reject`` that its entry repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Hold one entry; the attributes are those of its JSON, ``detail`` a JSON object as text."""

    kind: str
    value_sha256: str
    stream: str
    position: int
    ingest_time: int
    detail: str = "{}"

    def to_bytes(self) -> bytes:
        """Return the bytes that are hashed into the leaf."""
        rest = canonical_json(
            {
                "ingest_time": self.ingest_time,
                "kind": self.kind,
                "position": self.position,
                "stream": self.stream,
                "value_sha256": self.value_sha256,
            }
        )
        return f'{{"detail":{self.detail},{rest[1:]}'.encode()

    @property
    def leaf(self) -> bytes:
        """Return the leaf hash, 32 bytes."""
        return leaf_hash(self.to_bytes())


def canonical_json(value: Any) -> str:
    """Render the one form of JSON that entries have."""
    return json.dumps(
        value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


@dataclass(frozen=True, slots=True)
class Tail:
    """Say where the store's log ends.

    Attributes:
        next_reject_id: Number of the next reject, from 0 without holes.
        last_ingest_time: Ingest time of the last commit that wrote an entry, microseconds.

    """

    next_reject_id: int
    last_ingest_time: int


def load_tail(connection: duckdb.DuckDBPyConnection) -> Tail:
    """Read where the store's log ends."""
    rows = connection.execute(
        "SELECT coalesce(epoch_us(max(ingest_time)), 0),"
        " (SELECT coalesce(max(reject_id) + 1, 0) FROM reject) FROM log_entry"
    ).fetchall()
    ((last_ingest_time, next_reject_id),) = rows
    return Tail(next_reject_id, last_ingest_time)


class Journal:
    """Collects the entries of one commit, and adds its rejects to the rows."""

    def __init__(self, tail: Tail, rows: Rows) -> None:
        """Go on numbering rejects at *tail* and add to *rows*."""
        self._next_reject_id = tail.next_reject_id
        self._last_ingest_time = tail.last_ingest_time
        self._rows = rows
        self.entries: list[Entry] = []

    @property
    def tail(self) -> Tail:
        """Return where the log ends once these rows are committed."""
        return Tail(self._next_reject_id, self._last_ingest_time)

    def accept(self, value: bytes, batch: VerifiedBatch, arrival: Arrival) -> None:
        """Enter a batch that was accepted; *value* is the record's value."""
        detail = {
            "first_seen": batch.judged_at,
            "header_sha256": batch.header_sha256,
            "logged_at": arrival.logged_at,
        }
        self._enter(BATCH, hashlib.sha256(value).hexdigest(), arrival, detail)

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
        row: Row = {
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
        }
        self._rows.add("reject", row)
        self._next_reject_id += 1
        self._enter(REJECT, raw_sha256, arrival, {name: row[name] for name in REJECT_DETAIL})

    def _enter(
        self, kind: str, value_sha256: str, arrival: Arrival, detail: Mapping[str, Any]
    ) -> None:
        self.entries.append(
            Entry(
                kind=kind,
                value_sha256=value_sha256,
                stream=arrival.stream,
                position=arrival.position,
                ingest_time=arrival.ingest_time,
                detail=canonical_json(detail),
            )
        )
        self._last_ingest_time = arrival.ingest_time

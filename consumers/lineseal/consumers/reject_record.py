"""Wraps what was refused into a record of the topic ``rejects``: one line of JSON, then the bytes.

The line ends with the first newline; what follows it are exactly the bytes that were refused. They
are cut, and the line says so, when both do not fit one record; the store has all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb

from lineseal.schemas.limits import MAX_RECORD_BYTES

_HEAD_ROOM_BYTES = 24 * 1024
_MAX_DETAIL = 2000
_SELECT = """
SELECT reject_id, code, detail, stream, position, log_key, producer, epoch, batch_seq, event_index,
  raw, raw_sha256, epoch_us(logged_at), epoch_us(ingest_time)
FROM reject WHERE reject_id >= $start ORDER BY reject_id LIMIT $limit"""


@dataclass(frozen=True, slots=True)
class Refused:
    """Hold one row of the table ``reject``; times are microseconds UTC."""

    reject_id: int
    code: str
    detail: str
    stream: str
    position: int
    log_key: str
    producer: str | None
    epoch: str | None
    batch_seq: int | None
    event_index: int | None
    raw: bytes
    raw_sha256: str
    logged_at: int | None
    ingest_time: int


def refused_since(connection: duckdb.DuckDBPyConnection, start: int, limit: int) -> list[Refused]:
    """Return at most *limit* rejects from number *start* on."""
    rows = connection.execute(_SELECT, {"start": start, "limit": limit}).fetchall()
    return [Refused(*row) for row in rows]


def to_reject_record(refused: Refused) -> bytes:
    """Render one reject for the log; ``reject_id`` and ``raw_sha256`` tell repetitions."""
    kept = refused.raw[: MAX_RECORD_BYTES - _HEAD_ROOM_BYTES]
    head = {
        "format": 1,
        **{name: getattr(refused, name) for name in Refused.__dataclass_fields__ if name != "raw"},
        # A key in Kafka may be as long as a record, and is anybody's.
        "log_key": refused.log_key[:_MAX_DETAIL],
        "detail": refused.detail[:_MAX_DETAIL],
        "raw_bytes": len(refused.raw),
        "truncated": len(kept) < len(refused.raw),
    }
    return json.dumps(head).encode() + b"\n" + kept

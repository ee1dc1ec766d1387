"""Reads what the old store took from the log, when, and what it decided.

Its log entries say which records came in which commit; they are repeated in that order and at
those times, so that ``--known-at`` answers as before. Nothing else of the old store is believed:
every record is verified again. A refusal is repeated as it was, because keyrings only grow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from lineseal.consumers.delivery import Place
from lineseal.consumers.retry import ACCEPTED, DUPLICATE
from lineseal.schemas.errors import ContractError
from lineseal.schemas.model import BatchSignature, SignedBatch
from lineseal.signing.frame import encode_frame
from lineseal.transport.base import LogRecord

_PAGE = 10_000
_DECISIONS = """
SELECT epoch_us(entry.ingest_time), entry.stream, entry.position, entry.value_sha256,
  refused.code, refused.detail, refused.outcome
FROM old.log_entry AS entry
LEFT JOIN (FROM old.reject WHERE event_index IS NULL) AS refused
  ON entry.kind = 'REJECT'
  AND refused.stream = entry.stream
  AND refused.position = entry.position
  AND refused.raw_sha256 = entry.value_sha256
  AND refused.ingest_time = entry.ingest_time
WHERE entry.kind = 'BATCH' OR refused.code IS NOT NULL
ORDER BY entry.log_index"""
_REFUSED = """
SELECT raw, log_key, epoch_us(logged_at) FROM old.reject
WHERE event_index IS NULL AND stream = $stream AND position = $position AND raw_sha256 = $sha256
LIMIT 1"""
_BATCH = """
SELECT payload_type, header, coalesce(signatures, [{keyid: keyid, sig: signature}]), producer,
  epoch, batch_seq, epoch_us(logged_at), ingest_time
FROM old.batch WHERE stream = $stream AND position = $position AND ingest_time = make_timestamp($at)
LIMIT 1"""
_EVENTS = """
SELECT raw FROM (
  SELECT event_index, raw FROM old.event
  WHERE producer = $producer AND epoch = $epoch AND batch_seq = $number AND ingest_time = $at
  UNION ALL
  SELECT event_index, raw FROM old.reject
  WHERE producer = $producer AND epoch = $epoch AND batch_seq = $number AND ingest_time = $at
    AND event_index IS NOT NULL
) ORDER BY event_index"""


@dataclass(frozen=True, slots=True)
class Decision:
    """Say what the old store decided about one record.

    Attributes:
        place: Which record.
        at: Ingest time, microseconds UTC.
        refusal: Why it was refused; None when it was accepted.
        settled: It was refused, judged again, and needs no further look.

    """

    place: Place
    at: int
    refusal: ContractError | None
    settled: bool


class Plan:
    """Reads what the old store decided; it is attached to *connection* as ``old``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read positions and size."""
        self._connection = connection
        rows = connection.execute("SELECT stream, next_position FROM old.position").fetchall()
        self.positions: dict[str, int] = dict(rows)
        ((self.entries,),) = connection.execute("SELECT count(*) FROM old.log_entry").fetchall()

    def commits(self) -> Iterator[tuple[int, list[Decision]]]:
        """Yield ingest time and decisions of each commit, in order."""
        for at, decisions in itertools.groupby(self._decisions(), key=lambda each: each.at):
            yield at, list(decisions)

    def record(self, decision: Decision) -> LogRecord | None:
        """Return a record from the old store itself, for one that the log lost; None if it cannot.

        It proves as much as its signature; its bytes have to be the very ones of the entry.
        """
        stream, position, sha256 = decision.place
        names = {"stream": stream, "position": position}
        if decision.refusal is not None:
            found = self._connection.execute(_REFUSED, {**names, "sha256": sha256}).fetchone()
            if found is None:
                return None
            value, key, logged_at = found
        else:
            found = self._connection.execute(_BATCH, {**names, "at": decision.at}).fetchone()
            if found is None:
                return None
            value, key, logged_at = self._sealed(found)
        return LogRecord(
            stream=stream, position=position, key=key, value=value, logged_at=logged_at
        )

    def _sealed(self, row: tuple[Any, ...]) -> tuple[bytes, str, int | None]:
        kind, header, signatures, producer, epoch, number, logged_at, at = row
        names = {"producer": producer, "epoch": epoch, "number": number, "at": at}
        events = self._connection.execute(_EVENTS, names).fetchall()
        batch = SignedBatch(
            payload_type=kind,
            header=header,
            signatures=tuple(
                BatchSignature(keyid=each["keyid"], sig=each["sig"]) for each in signatures
            ),
            events=tuple(raw for (raw,) in events),
        )
        return (
            encode_frame(batch),
            str(producer),
            None if logged_at is None else int(str(logged_at)),
        )

    def _decisions(self) -> Iterator[Decision]:
        cursor = self._connection.cursor()
        cursor.execute(_DECISIONS)
        while rows := cursor.fetchmany(_PAGE):
            for at, stream, position, sha256, code, detail, outcome in rows:
                refusal = None if code is None else as_then(code, detail)
                settled = outcome in (ACCEPTED, DUPLICATE)
                yield Decision((stream, position, sha256), at, refusal, settled)


def as_then(code: str, detail: str) -> ContractError:
    """Make the error again that a reject was written for, also one this version does not know."""
    kind: type[ContractError] = type("RefusedThen", (ContractError,), {"code": code})
    return kind(detail)

"""Reads what is new in the store: decisions in the order of ingestion, and changes of alerts.

A store that was rebuilt has other positions: what stood at the last one tells, and reading
starts over. Nothing is sent twice for it, since a record's uid comes from its bytes.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import Any

import duckdb

from lineseal.consumers.forward.checkpoint import KIND, Signed, checkpoint
from lineseal.consumers.forward.decisions import KINDS
from lineseal.consumers.forward.entity import AcceptedEvent, decision
from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.finding import AlertChange, finding
from lineseal.consumers.forward.ocsf import Document
from lineseal.schemas.codec import decode_event, to_event

OpenStore = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
"""Gives a connection to read the store on; raises StoreBusy while somebody else writes."""
WINDOW = 5_000
"""Log entries, or changes of alerts, taken into the feed in one transaction."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_EVENTS = """
WITH fresh AS (
  SELECT l.log_index, b.producer, b.epoch, b.batch_seq, b.schema_sha256, b.ingest_time
  FROM log_entry AS l JOIN batch AS b ON b.stream = l.stream AND b.position = l.position
  WHERE l.kind = 'BATCH' AND l.log_index > $after AND l.log_index <= $last
)
SELECT e.raw, f.schema_sha256, e.body, e.leaf_sha256, e.actor_verified, e.keyid, e.epoch,
  e.batch_seq, e.ingest_time
FROM fresh AS f
JOIN event AS e ON e.producer = f.producer AND e.epoch = f.epoch AND e.batch_seq = f.batch_seq
WHERE e.ingest_time >= (SELECT min(ingest_time) FROM fresh) AND list_contains($kinds, e.body)
ORDER BY f.log_index, e.event_index
"""
_ALERT_COLUMNS = tuple(field.name for field in fields(AlertChange))


def read_store(open_store: OpenStore, feed: Feed, deployment: str, clock: Callable[[], int]) -> int:
    """Take everything new in the store into *feed*; return how many records that were.

    Raises:
        StoreBusy: Another process writes the store; call again later.
        NotFound: There is no store yet.
        StoreError: It cannot be read.
        FeedError: The feed cannot be written; it holds what was read before.

    """
    with open_store() as connection:
        return sum(
            _take(connection, feed, name, read, deployment, clock) for name, read in _SOURCES
        )


def _take(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    name: str,
    source: _Source,
    deployment: str,
    clock: Callable[[], int],
) -> int:
    if not _has_table(connection, source.table):
        return 0
    after, mark = feed.position(name)
    if after >= 0 and source.mark(connection, after) != mark:
        after = -1
    newest = connection.execute(f"SELECT max({source.column}) FROM {source.table}").fetchone()  # noqa: S608
    head = -1 if newest is None or newest[0] is None else int(newest[0])
    added = 0
    while after < head:
        last = min(after + source.window, head)
        documents = source.read(connection, after, last, deployment)
        added += feed.append(
            documents, clock(), source=name, position=last, mark=source.mark(connection, last)
        )
        after = last
    return added


class _Source(ABC):
    """One series in the store that grows at its end."""

    table: str
    column: str
    mark_column: str
    window: int = WINDOW

    def mark(self, connection: duckdb.DuckDBPyConnection, position: int) -> str:
        """Return what stands at *position*; empty when nothing does."""
        row = connection.execute(
            f"SELECT {self.mark_column} FROM {self.table} WHERE {self.column} = ?",  # noqa: S608
            [position],
        ).fetchone()
        return "" if row is None else str(row[0])

    @abstractmethod
    def read(
        self, connection: duckdb.DuckDBPyConnection, after: int, last: int, deployment: str
    ) -> Iterator[tuple[str, Document]]:
        """Yield kind and document of what stands behind *after*, up to and including *last*."""


class _Decisions(_Source):
    table, column, mark_column = "log_entry", "log_index", "leaf_sha256"

    def read(
        self, connection: duckdb.DuckDBPyConnection, after: int, last: int, deployment: str
    ) -> Iterator[tuple[str, Document]]:
        """Yield the decisions in these log entries."""
        parameters: dict[str, Any] = {"after": after, "last": last, "kinds": list(KINDS)}
        rows = connection.execute(_EVENTS, parameters).fetchall()
        for raw, schema, kind, leaf, verified, keyid, epoch, batch_seq, ingest_time in rows:
            _, record = decode_event(bytes(raw), schema)
            accepted = AcceptedEvent(
                event=to_event(record),
                kind=kind,
                leaf_sha256=leaf,
                actor_verified=bool(verified),
                keyid=keyid,
                epoch=epoch,
                batch_seq=batch_seq,
                ingest_time=_us(ingest_time),
            )
            yield kind, decision(accepted, deployment)


class _Alerts(_Source):
    table, column = "alert_change", "change_index"
    mark_column = "alert_id || ':' || revision"

    def read(
        self, connection: duckdb.DuckDBPyConnection, after: int, last: int, deployment: str
    ) -> Iterator[tuple[str, Document]]:
        """Yield these changes of alerts."""
        columns = ", ".join(f'"{name}"' for name in _ALERT_COLUMNS)
        rows = connection.execute(
            f"SELECT {columns} FROM alert_change"  # noqa: S608 - our own names
            " WHERE change_index > ? AND change_index <= ? ORDER BY change_index",
            [after, last],
        ).fetchall()
        for row in rows:
            values: dict[str, Any] = {
                name: _us(value) if isinstance(value, dt.datetime) else value
                for name, value in zip(_ALERT_COLUMNS, row, strict=True)
            }
            yield "alert", finding(AlertChange(**values), deployment)


class _Checkpoints(_Source):
    table, column, mark_column = "checkpoint", "tree_size", "root_sha256"
    window = 1 << 62  # one of them is enough, however much it covers

    def read(
        self, connection: duckdb.DuckDBPyConnection, after: int, last: int, deployment: str
    ) -> Iterator[tuple[str, Document]]:
        """Yield the newest of these checkpoints: it covers the others."""
        row = connection.execute(
            "SELECT note, origin, tree_size, root_sha256, keyid, signed_at FROM checkpoint"
            " WHERE tree_size > ? AND tree_size <= ? ORDER BY tree_size DESC LIMIT 1",
            [after, last],
        ).fetchone()
        if row is not None:
            note, origin, size, root, keyid, signed_at = row
            signed = Signed(note, origin, size, root, keyid, _us(signed_at))
            yield KIND, checkpoint(signed, deployment)


_SOURCES: tuple[tuple[str, _Source], ...] = (
    ("decisions", _Decisions()),
    ("alerts", _Alerts()),
    ("checkpoints", _Checkpoints()),
)


def _has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_name = ?", [table]
    ).fetchone()
    return found is not None


def _us(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)

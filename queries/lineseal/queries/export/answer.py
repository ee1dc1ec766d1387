"""Reads sealed events from the store, page by page, and gives them with what proves them."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.export.openlineage import BODIES, Json, to_openlineage
from lineseal.schemas.codec import decode_event
from lineseal.schemas.errors import StoreError
from lineseal.signing.merkle import inclusion_path, leaf_hash, root_from_path

_PAGE = 2000


def openlineage_events(
    connection: duckdb.DuckDBPyConnection,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    page: int = _PAGE,
) -> Iterator[Json]:
    """Yield what OpenLineage can say of the store, ordered by event time.

    Raises:
        StoreError: An event in the store is not the one that was sealed.

    """
    after: tuple[dt.datetime | None, str | None] = (None, None)
    while True:
        rows = query("sealed_events").records(
            connection,
            bodies=list(BODIES),
            limit=page,
            after_time=after[0],
            after_id=after[1],
            since=since,
            until=until,
        )
        for row in rows:
            body, record = decode_event(row["raw"], row["schema_sha256"])
            event = to_openlineage(body, record, _seal(row, record))
            if event is not None:
                yield event
        if len(rows) < page:
            return
        after = (rows[-1]["event_time"], rows[-1]["event_id"])


def _seal(row: dict[str, Any], record: dict[str, Any]) -> Json:
    """Return who said it and what proves that; no path where the batch is not whole here."""
    raw = bytes(row["raw"])
    leaf = leaf_hash(raw)
    if row["leaves"] and leaf.hex() not in row["leaves"]:
        raise StoreError(f"the event {row['event_id']} was changed in the store")
    seal: Json = {
        "eventId": record["event_id"],
        "producer": record["producer"],
        "origin": record["origin"],
        "actor": {**record["actor"], "verified": row["actor_verified"]},
        "epoch": row["epoch"],
        "batchSeq": row["batch_seq"],
        "eventIndex": row["event_index"],
        "batchCount": row["event_count"],
        "keyid": row["keyid"],
        "payloadType": row["payload_type"],
        "header": _base64(row["header"]),
        "signature": _base64(row["signature"]),
        "event": _base64(raw),
    }
    path = _path(row, leaf)
    if path is not None:
        seal["inclusionPath"] = [node.hex() for node in path]
    return seal


def _path(row: dict[str, Any], leaf: bytes) -> tuple[bytes, ...] | None:
    leaves = [bytes.fromhex(text) for text in row["leaves"]]
    index, size = row["event_index"], row["event_count"]
    if len(leaves) != size:
        return None
    path = inclusion_path(leaves, index)
    root = root_from_path(leaf, index, size, path)
    return path if root.hex() == row["merkle_root"] else None


def _base64(data: bytes) -> str:
    return base64.b64encode(bytes(data)).decode("ascii")

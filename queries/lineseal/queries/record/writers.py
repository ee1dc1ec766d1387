"""Who may write? What the keys of each producer allow, beside what it did.

From the keyring that the store recorded, so that ``--known-at`` gives the one of that time. A key
counts that is active and may speak of runs or registrations.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb

from lineseal.queries.catalog import query
from lineseal.signing.keyring import KeyEntry
from lineseal.signing.keyring_file import recorded_keyring

ANYTHING = "*"
_WRITING = frozenset({"emit", "gateway"})
_KINDS = frozenset({"run", "registration"})
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store keeps naive UTC
_MICROSECOND = dt.timedelta(microseconds=1)

Row = dict[str, Any]


def with_rights(
    connection: duckdb.DuckDBPyConnection,
    rows: list[Row],
    *,
    known_at: dt.datetime | None,
    now: dt.datetime,
) -> list[Row]:
    """Add ``may_write`` to the rows of an inventory, and a row for who may but never did.

    ``may_write`` are patterns, ``*`` for anything, none for a producer without a key that is active
    at *now*; it is None where the row is about no writer or no keyring was recorded.
    """
    rights = _rights(connection, known_at, now)
    found: list[Row] = [row | {"may_write": None} for row in rows]
    if rights is None:
        return found
    for row in found:
        if row["type"] == "writer":
            row["may_write"] = rights.get(row["name"], [])
    wrote = {row["name"] for row in rows if row["type"] == "writer"}
    idle: Row = {
        "type": "writer",
        "owner": None,
        "things": 0,
        "first_seen": None,
        "last_seen": None,
    }
    found += [
        idle | {"name": producer, "may_write": rights[producer]}
        for producer in rights.keys() - wrote
    ]
    return sorted(found, key=lambda row: (row["type"], row["name"]))


def _rights(
    connection: duckdb.DuckDBPyConnection, known_at: dt.datetime | None, now: dt.datetime
) -> dict[str, list[str]] | None:
    documents = query("recorded_keyring").rows(connection, known_at=known_at)
    if not documents:
        return None
    moment = (now - _EPOCH) // _MICROSECOND
    patterns: dict[str, set[str]] = {}
    for entry in recorded_keyring(bytes(documents[0][0])).entries:
        if entry.status(moment) == "active" and _writes(entry):
            patterns.setdefault(entry.producer, set()).update(entry.writes or {ANYTHING})
    return {
        producer: [ANYTHING] if ANYTHING in found else sorted(found)
        for producer, found in patterns.items()
    }


def _writes(entry: KeyEntry) -> bool:
    kinds = not entry.event_kinds or bool(entry.event_kinds & _KINDS)
    return kinds and bool(entry.roles & _WRITING)

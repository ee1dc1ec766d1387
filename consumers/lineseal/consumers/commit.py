"""Writes what one delivery brings, and everything that follows from it, in one transaction.

Shared by who takes in what is new (``materialise``), who judges again what was refused
(``retry``) and who makes a store anew (``rebuild``): all three leave the same rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb

from lineseal.consumers.copies import update_copies
from lineseal.consumers.delivery import Delivery
from lineseal.consumers.entries import finding_entries, keyring_entries
from lineseal.consumers.findings import update_chain_findings, update_key_findings
from lineseal.consumers.keyring_memory import remember
from lineseal.consumers.merkle_log import append_entries
from lineseal.consumers.once import keep_once
from lineseal.consumers.resolve import resolve
from lineseal.consumers.write import TableWriter
from lineseal.signing.keyring import Keyring

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone


def moment(microseconds: int) -> dt.datetime:
    """Return microseconds UTC as the store holds times: without a zone."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def write_delivery(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    keyring: Keyring,
    positions: Mapping[str, int],
) -> None:
    """Write rows, graph, sorted copies and findings of *delivery*; read on at *positions*."""
    TableWriter(connection).insert_all(delivery.rows)
    connection.execute(
        "INSERT INTO position SELECT unnest($streams), unnest($positions)"
        " ON CONFLICT (stream) DO UPDATE SET next_position = excluded.next_position",
        {"streams": list(positions), "positions": list(positions.values())},
    )
    remember(connection, keyring)
    ingest_time = moment(delivery.ingest_time)
    keep_once(connection, ingest_time)
    resolve(connection, ingest_time)
    update_copies(connection, ingest_time)
    update_chain_findings(connection, ingest_time, keyring.settled)
    update_key_findings(connection, keyring, delivery.ingest_time, ingest_time)
    entries = keyring_entries(connection, keyring, delivery.ingest_time) + delivery.entries
    append_entries(connection, entries + finding_entries(connection, ingest_time))

"""Makes log entries of what is no record of the log: findings, alerts, keyrings, a log's start.

The value of such an entry is the row it stands for, as canonical JSON with times in
microseconds; so a row that was changed, or made up, no longer fits its entry. ADR-0014.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import duckdb

from lineseal.consumers.journal import Entry, canonical_json
from lineseal.signing.checkpoint import Checkpoint
from lineseal.signing.keyring import Keyring

FINDING: Final = "FINDING"
ALERT: Final = "ALERT"
KEYRING: Final = "KEYRING"
RETRY: Final = "RETRY"
START: Final = "START"
OPENED: Final = 0
CLOSED: Final = 1
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_FINDING_TIMES = ("opened_at", "closed_at")


def finding_entries(connection: duckdb.DuckDBPyConnection, ingest_time: dt.datetime) -> list[Entry]:
    """Make an entry of each finding that opened or closed in the commit of *ingest_time*."""
    rows = read_rows(
        connection,
        "SELECT * FROM finding WHERE opened_at = $at OR closed_at = $at"
        " ORDER BY opened_at, finding_id, keyid",
        {"at": ingest_time},
    )
    entries: list[Entry] = []
    for row in rows:
        entries += [
            finding_entry(row, state)
            for state, name in enumerate(_FINDING_TIMES)
            if row[name] == ingest_time
        ]
    return entries


def finding_entry(row: Mapping[str, Any], state: int) -> Entry:
    """Make the entry that says that a finding opened (``OPENED``) or closed (``CLOSED``)."""
    said = {name: value for name, value in row.items() if name not in _FINDING_TIMES}
    return Entry(
        kind=FINDING,
        value_sha256=digest_of(said),
        stream=str(row["finding_id"]),
        position=state,
        ingest_time=microseconds(row[_FINDING_TIMES[state]]),
        detail=canonical_json({"code": row["code"], "producer": row["producer"]}),
    )


def alert_entries(rows: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Make an entry of each row of ``alert_change``."""
    return [
        Entry(
            kind=ALERT,
            value_sha256=digest_of(row),
            stream=str(row["alert_id"]),
            position=int(row["change_index"]),
            ingest_time=microseconds(row["ingest_time"]),
            detail=canonical_json({"activity": row["activity"], "rule_id": row["rule_id"]}),
        )
        for row in rows
    ]


def keyring_entries(
    connection: duckdb.DuckDBPyConnection, keyring: Keyring, ingest_time: int
) -> list[Entry]:
    """Keep a version of the keyring that the store was not told yet, and make its entry."""
    if keyring.sha256 is None or keyring.document is None:
        return []
    newest = connection.execute("SELECT coalesce(max(version), 0) FROM keyring_version").fetchall()
    if newest[0][0] >= keyring.version:
        return []
    connection.execute(
        "INSERT INTO keyring_version VALUES (?, ?, ?, ?)",
        [
            keyring.version,
            keyring.sha256,
            keyring.document,
            _EPOCH + dt.timedelta(microseconds=ingest_time),
        ],
    )
    return [keyring_entry(keyring.version, keyring.document, ingest_time)]


def keyring_entry(version: int, document: bytes, ingest_time: int) -> Entry:
    """Make the entry of one version of the keyring."""
    return Entry(
        kind=KEYRING,
        value_sha256=hashlib.sha256(document).hexdigest(),
        stream="keyring",
        position=version,
        ingest_time=ingest_time,
    )


def retry_entries(
    connection: duckdb.DuckDBPyConnection, reject_ids: Sequence[int] | None = None
) -> list[Entry]:
    """Make an entry of what became of each of these rejects, or of all, when last judged again."""
    rows = read_rows(
        connection,
        "SELECT reject_id, raw_sha256, stream, position, retried_at, outcome FROM reject"
        " WHERE retried_at IS NOT NULL"
        " AND ($ids IS NULL OR reject_id IN (SELECT unnest($ids::BIGINT[]))) ORDER BY reject_id",
        {"ids": None if reject_ids is None else list(reject_ids)},
    )
    return [
        Entry(
            kind=RETRY,
            value_sha256=row["raw_sha256"],
            stream=row["stream"],
            position=row["position"],
            ingest_time=microseconds(row["retried_at"]),
            detail=canonical_json({"outcome": row["outcome"], "reject_id": row["reject_id"]}),
        )
        for row in rows
    ]


def start_entry(follows: Checkpoint, reason: str, ingest_time: int) -> Entry:
    """Make the first entry of a log that takes the place of another one."""
    return Entry(
        kind=START,
        value_sha256=hashlib.sha256(follows.to_text().encode()).hexdigest(),
        stream=follows.origin,
        position=follows.size,
        ingest_time=ingest_time,
        detail=canonical_json({"reason": reason, "root": follows.root.hex()}),
    )


def digest_of(row: Mapping[str, Any]) -> str:
    """Hash one row as an entry's value: canonical JSON, times in microseconds."""
    return hashlib.sha256(canonical_json(plain(row)).encode()).hexdigest()


def read_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run *sql* and return its rows by column name."""
    result = connection.execute(sql, dict(parameters or {}))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def microseconds(moment: dt.datetime) -> int:
    """Return naive UTC as microseconds since 1970."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def plain(value: Any) -> Any:
    """Turn a row into what canonical JSON holds: times in microseconds."""
    if isinstance(value, dt.datetime):
        return microseconds(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value

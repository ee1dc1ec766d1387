"""Tells whether the working state of a store is one that the store can have come to.

What a materialiser remembers between two starts follows from no event and has no entry in the log.
So only what would make it believe too much, or look at too little, is compared with what has: the
keyring that was used last, how far the log was read, how far rules have looked, the last tick.
ADR-0014 says what is left.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence

import duckdb

from lineseal.consumers.journal import BATCH, REJECT, Entry
from lineseal.consumers.keyring_memory import facts_of
from lineseal.consumers.verify.problems import ROW_UNEXPECTED, Problems
from lineseal.schemas.errors import KeyringError
from lineseal.schemas.ids import now_us
from lineseal.signing.keyring_file import recorded_keyring

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_SKEW = dt.timedelta(minutes=5)
"""By how much the clock of who verifies may be behind."""


def check_state(
    connection: duckdb.DuckDBPyConnection,
    deployment: str,
    log: Sequence[tuple[int, Entry]],
    problems: Problems,
) -> None:
    """Compare the store's working state with its log, its keyrings and the clock."""
    for sentence in _facts(connection, deployment):
        problems.add(ROW_UNEXPECTED, "table store_fact", sentence)
    for stream, sentence in _positions(connection, log):
        problems.add(ROW_UNEXPECTED, f"table position, {stream}", sentence)
    newest = max((entry.ingest_time for _, entry in log), default=0)
    for rule_id, watermark in connection.execute(
        "SELECT rule_id, watermark FROM detection WHERE watermark > $newest ORDER BY rule_id",
        {"newest": _EPOCH + dt.timedelta(microseconds=newest)},
    ).fetchall():
        sentence = f"{rule_id} claims to have seen all until {watermark}, after the newest entry"
        problems.add(ROW_UNEXPECTED, "table detection", sentence)
    now = _EPOCH + dt.timedelta(microseconds=now_us())
    for (moment,) in connection.execute(
        "SELECT tick_time FROM tick WHERE tick_time > $now"
        " UNION SELECT tick_time FROM detection WHERE tick_time > $now ORDER BY tick_time",
        {"now": now + _SKEW},
    ).fetchall():
        sentence = f"a tick at {moment} lies in the future: rules about absence wait for it"
        problems.add(ROW_UNEXPECTED, "table tick", sentence)


def _facts(connection: duckdb.DuckDBPyConnection, deployment: str) -> Iterator[str]:
    facts: dict[str, str] = dict(
        connection.execute("SELECT name, value FROM store_fact").fetchall()
    )
    if facts.get("deployment") != deployment:
        yield f"the store belongs to {facts.get('deployment')!r}, not to {deployment!r}"
    published = facts.get("alerts_published", "0").partition(" ")[0]
    ((changes,),) = connection.execute("SELECT count(*) FROM alert_change").fetchall()
    if int(published) > changes:
        yield f"{published} changes of alerts were published, but there are {changes}"
    documents = connection.execute(
        "SELECT document FROM keyring_version ORDER BY version DESC LIMIT 1"
    ).fetchall()
    for (document,) in documents:
        try:
            used = facts_of(recorded_keyring(bytes(document)))
        except (KeyringError, ValueError):
            return  # told by check_keyrings
        for name, expected in used.items():
            if not _same(facts.get(name), expected):
                yield f"{name} is not that of the newest keyring that was used"


def _positions(
    connection: duckdb.DuckDBPyConnection, log: Sequence[tuple[int, Entry]]
) -> Iterator[tuple[str, str]]:
    """Find where the store would read again what it has; past the end ``check_source`` looks."""
    positions: dict[str, int] = dict(
        connection.execute("SELECT stream, next_position FROM position").fetchall()
    )
    last: dict[str, int] = {}
    for _, entry in log:
        if entry.kind in (BATCH, REJECT):
            last[entry.stream] = max(entry.position, last.get(entry.stream, 0))
    for stream, position in sorted(last.items()):
        start = positions.get(stream, 0)
        if start <= position:
            yield stream, f"it is to be read from {start}, but {position} is here already"


def _same(found: str | None, expected: str) -> bool:
    if found is None:
        return False
    try:
        return bool(json.loads(found) == json.loads(expected))
    except ValueError:
        return found == expected

"""Keeps the table ``finding`` up to date: what is wrong with chains, clocks and keys.

Chain findings are a function of the set of batches: the SQL files in ``sql/findings`` compute
them for every epoch that a commit can have changed and record what opened and what closed.
Findings about keys come from the keyring, silence from the clock; both need no new batch.
Nothing here refuses anything: what verified stays visible, ``untrusted_batch`` says what of it
proves nothing. Source: DESIGN 4.2, 4.3; attack table A12 to A19; ADR-0012.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable

import duckdb

from lineseal.consumers.script import run_script, scripts_in
from lineseal.schemas.errors import KeyringRollback
from lineseal.signing.keyring import KeyEntry, Keyring

KEY_COMPROMISED = "KEY_COMPROMISED"
SILENT_PRODUCER = "SILENT_PRODUCER"
KEYRING_ROLLBACK = KeyringRollback.code

_CLOCK_AHEAD = 5 * 60 * 1_000_000
"""From how far ahead a producer's clock is not believed, microseconds; as for CLOCK."""
_HEARD = """
SELECT producer, least(max(arrived), max(sealed)), max(sealed) FILTER (sealed <= arrived + $ahead)
FROM (
  SELECT
    producer,
    epoch_us(coalesce(logged_at, ingest_time)) AS arrived,
    epoch_us(created_at) AS sealed
  FROM batch
  WHERE producer IN (SELECT unnest($producers::VARCHAR[]))
)
GROUP BY producer
"""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_Row = tuple[str, str, str, str | None, dt.datetime | None, dt.datetime | None, str]
"""finding_id, code, producer, keyid, span_start, span_end (included), detail."""


def update_chain_findings(
    connection: duckdb.DuckDBPyConnection, ingest_time: dt.datetime, settled: Iterable[str] = ()
) -> None:
    """Compute the chain findings of every epoch that this commit can have changed.

    Args:
        connection: Inside the transaction that inserted the commit's rows.
        ingest_time: Their ``ingest_time``, UTC without time zone.
        settled: Ids of forks that an operator decided about.

    """
    quiet, *scripts = scripts_in("findings")
    if connection.execute(quiet, {"ingest_time": ingest_time}).fetchall() == [(True,)]:
        return
    for script in scripts:
        run_script(connection, script, ingest_time=ingest_time, settled=sorted(settled))


def update_key_findings(
    connection: duckdb.DuckDBPyConnection, keyring: Keyring, now: int, ingest_time: dt.datetime
) -> None:
    """Compare with the keyring and the clock; *now* is in microseconds UTC.

    Opens and closes findings about compromised keys, silent producers and signs of a newer
    keyring, and closes forks that the keyring says are settled.
    """
    rows = [*_compromised(keyring), *_silent(connection, keyring, now)]
    rows += _newer_keyring(connection, keyring)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE finding_before AS"
        " SELECT * EXCLUDE (opened_at, closed_at) FROM finding WHERE closed_at IS NULL"
        " AND (code IN (?, ?, ?) OR finding_id IN (SELECT unnest(?::VARCHAR[])))",
        [KEY_COMPROMISED, KEYRING_ROLLBACK, SILENT_PRODUCER, sorted(keyring.settled)],
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE finding_now AS FROM finding_before WITH NO DATA"
    )
    for row in rows:
        connection.execute(
            "INSERT INTO finding_now SELECT ?, ?, ?, NULL, ?, NULL, NULL, ?, ?, ?", row
        )
    run_script(connection, scripts_in("findings")[-1], ingest_time=ingest_time)


def open_findings(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return id and code of everything that is open."""
    return dict(
        connection.execute(
            "SELECT finding_id, code FROM finding WHERE closed_at IS NULL"
        ).fetchall()
    )


def _compromised(keyring: Keyring) -> list[_Row]:
    return [
        _row(
            KEY_COMPROMISED, entry, entry.compromised_since, "nothing of this key is trusted since"
        )
        for entry in keyring.entries
        if entry.compromised_since is not None
    ]


def _silent(connection: duckdb.DuckDBPyConnection, keyring: Keyring, now: int) -> list[_Row]:
    """Find producers that should have spoken: the newest word counts, under whatever key.

    A word counts from when it was sealed or arrived, whichever was earlier: old batches that come
    late say nothing of today, and no producer is believed to have spoken in the future. The span
    begins with the newest batch whose clock can be believed; without one with the first key.
    Silence does not end with the key: what may be lacking was sealed before, so there the span
    ends.
    """
    expected: dict[str, KeyEntry] = {}
    for entry in keyring.entries:
        if entry.expected_every is not None and entry.not_before <= now:
            old = expected.get(entry.producer)
            if old is None or _order(old) < _order(entry):
                expected[entry.producer] = entry
    if not expected:
        return []
    heard: dict[str, tuple[int, int | None]] = {
        producer: (last, begins)
        for producer, last, begins in connection.execute(
            _HEARD, {"producers": sorted(expected), "ahead": _CLOCK_AHEAD}
        ).fetchall()
    }
    rows: list[_Row] = []
    for producer, entry in sorted(expected.items()):
        first = min(one.not_before for one in keyring.entries if one.producer == producer)
        last, begins = heard.get(producer, (first, first))
        end = _end(entry)
        over = end is not None and end <= now
        until = end if end is not None and over else now
        if until - last > (entry.expected_every or 0):
            what = (
                "nothing was heard since" if producer in heard else "nothing was ever heard, since"
            )
            ends = until if over else None
            since = first if begins is None else min(begins, last)
            rows.append(_row(SILENT_PRODUCER, entry, since, what, keyed=False, ends=ends))
    return rows


def _end(entry: KeyEntry) -> int | None:
    """Return when the key stops to speak for its producer, microseconds; None for never."""
    moments = [t for t in (entry.untrusted_from, entry.not_after) if t is not None]
    return min(moments, default=None)


def _order(entry: KeyEntry) -> tuple[bool, int, int]:
    """Return how long the key lasts: by the one that lasts longest its silence is measured."""
    end = _end(entry)
    return end is None, end or 0, entry.not_before


def _newer_keyring(connection: duckdb.DuckDBPyConnection, keyring: Keyring) -> list[_Row]:
    """Find signed records of a keyring newer than ours: somebody may have put an old one back."""
    found = connection.execute(
        "SELECT producer, max(keyring_version) FROM key_change WHERE keyring_version > ?"
        " GROUP BY producer ORDER BY producer",
        [keyring.version],
    ).fetchall()
    return [
        (
            _identity(KEYRING_ROLLBACK, producer, str(version)),
            KEYRING_ROLLBACK,
            producer,
            None,
            None,
            None,
            f"it recorded version {version} of the keyring, ours is {keyring.version}",
        )
        for producer, version in found
    ]


def _row(
    code: str,
    entry: KeyEntry,
    since: int | None,
    what: str,
    *,
    keyed: bool = True,
    ends: int | None = None,
) -> _Row:
    moment = _moment(since or 0)
    keyid = entry.keyid if keyed else None
    return (
        _identity(code, entry.producer, keyid or "", str(since)),
        code,
        entry.producer,
        keyid,
        moment,
        None if ends is None else _moment(ends),
        f"{what} {_say(moment)}" + (f" until its key ended, {_say(_moment(ends))}" if ends else ""),
    )


def _moment(microseconds: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def _say(moment: dt.datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')}Z"


def _identity(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]

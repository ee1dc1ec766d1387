"""Compares rejects, findings, alerts and keyrings with the entries that were signed for.

What they say cannot be computed again from batches: a reject's bytes are no event, a finding may
be about the clock.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import duckdb

from lineseal.consumers.entries import (
    ALERT,
    FINDING,
    KEYRING,
    alert_entries,
    finding_entry,
    keyring_entry,
    microseconds,
    read_rows,
)
from lineseal.consumers.journal import REJECT, REJECT_DETAIL, Entry, canonical_json
from lineseal.consumers.verify.log import beside
from lineseal.consumers.verify.problems import BATCH_MISSING, ENTRY_MISSING, Problems
from lineseal.schemas.errors import KeyringError, KeyringRollback
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import parse_keyring

_ROWS = 1000


def check_records(
    connection: duckdb.DuckDBPyConnection,
    log: Sequence[tuple[int, Entry]],
    problems: Problems,
) -> None:
    """Compare the rows of four tables with their entries, in both directions."""
    for kind, expected in (
        (REJECT, _rejects(connection)),
        (FINDING, _findings(connection)),
        (ALERT, _alerts(connection)),
        (KEYRING, _keyrings(connection)),
    ):
        _compare(kind, expected, [each for each in log if each[1].kind == kind], problems)


def check_keyrings(
    connection: duckdb.DuckDBPyConnection,
    keyring: Keyring,
    parse: Callable[[bytes], Keyring],
    problems: Problems,
) -> None:
    """Check that root keys signed every version, and that each follows the one before.

    *keyring* is the one of now; *parse* verifies a document with the root keys pinned here.
    """
    before: Keyring | None = None
    for version, document in connection.execute(
        "SELECT version, document FROM keyring_version ORDER BY version"
    ).fetchall():
        try:
            each = parse(document)
        except KeyringError as error:
            problems.add(error.code, f"keyring {version}", str(error))
            continue
        if each.version != version:
            problems.add(KeyringError.code, f"keyring {version}", "it is of another version")
        try:
            if before is not None:
                each.require_at_least(before.version, before.sha256)
                each.require_remembers(before.fates())
        except KeyringRollback as error:
            problems.add(error.code, f"keyring {version}", str(error))
        before = each
    if before is None:
        return
    try:
        keyring.require_at_least(before.version, before.sha256)
        keyring.require_remembers(before.fates())
    except KeyringRollback as error:
        problems.add(error.code, "keyring.json", str(error))


def parser(roots: Sequence[str], threshold: int) -> Callable[[bytes], Keyring]:
    """Return what verifies a keyring's document with these root keys."""
    return lambda document: parse_keyring(bytes(document), roots=roots, threshold=threshold)


def _compare(
    kind: str,
    expected: Iterable[tuple[str, Entry]],
    log: Sequence[tuple[int, Entry]],
    problems: Problems,
) -> None:
    known = Counter(entry for _, entry in log)
    for name, entry in expected:
        if known[entry]:
            known[entry] -= 1
        else:
            problems.add(ENTRY_MISSING, name, "the log has no entry of it as it stands here")
    for index, entry in log:
        if known[entry]:
            known[entry] -= 1
            problems.add(
                BATCH_MISSING, f"entry {index}", f"its {kind.lower()} is gone, or was changed"
            )


def _rejects(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Entry]]:
    result = beside(connection).execute("SELECT * FROM reject ORDER BY reject_id")
    names = [column[0] for column in result.description or ()]
    while rows := result.fetchmany(_ROWS):
        for values in rows:
            row: dict[str, Any] = dict(zip(names, values, strict=True))
            if row["logged_at"] is not None:
                row["logged_at"] = microseconds(row["logged_at"])
            sha256 = hashlib.sha256(row["raw"]).hexdigest()
            name = f"reject {row['reject_id']}"
            yield (
                name,
                Entry(
                    kind=REJECT,
                    value_sha256=sha256 if sha256 == row["raw_sha256"] else "",
                    stream=row["stream"],
                    position=row["position"],
                    ingest_time=microseconds(row["ingest_time"]),
                    detail=canonical_json({name: row[name] for name in REJECT_DETAIL}),
                ),
            )


def _findings(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Entry]]:
    for row in read_rows(connection, "SELECT * FROM finding"):
        for state, name in enumerate(("opened_at", "closed_at")):
            if row[name] is not None:
                yield f"finding {row['finding_id']}", finding_entry(row, state)


def _alerts(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Entry]]:
    for row in read_rows(connection, "SELECT * FROM alert_change ORDER BY change_index"):
        yield f"alert {row['alert_id']}", alert_entries([row])[0]


def _keyrings(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Entry]]:
    for version, document, moment in connection.execute(
        "SELECT version, document, ingest_time FROM keyring_version"
    ).fetchall():
        yield f"keyring {version}", keyring_entry(version, document, microseconds(moment))

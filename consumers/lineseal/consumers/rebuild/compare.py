"""Compares every table that comes from the log with the one of the old store.

Rows are compared as multisets, with everything in them but the numbers that a store gives to
artifact versions and runs for itself: these are compared by what they stand for. What does not
come from the topic of events (alerts, what was published, decisions of operators) is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from lineseal.consumers.copies import COPIES
from lineseal.consumers.findings import KEY_COMPROMISED, KEYRING_ROLLBACK, SILENT_PRODUCER
from lineseal.consumers.journal import Entry
from lineseal.consumers.merkle_log import append_entries
from lineseal.schemas.model import BODY_FIELDS

FROM_LOG = (
    "batch",
    "log_entry",
    "reject",
    "event",
    "run_event",
    "run_io",
    *sorted(body for body in BODY_FIELDS if body != "run"),
    "artifact_version",
    "edge",
    "finding",
    *sorted(COPIES),
)
"""Tables that a replay makes; all others are taken over."""
MADE_ANEW = frozenset({"copied_until", "sorted_segment"})
"""How the copies are cut, and up to where they are made: no content."""
_NOT_COMPARED = {"segment", "detail", "log_index", "leaf_sha256"}
"""Where a copy is cut; sentences for people, which a newer version may put differently; and where
an entry stands among others."""
_OF_THE_LOG = "('BATCH', 'REJECT')"
"""Kinds of entries that a replay makes; the others say what else was done, and when."""
_EXAMPLES = 3
_VERSIONS = """
SELECT DISTINCT ON (artifact_version_id) artifact_version_id,
  {kind: kind, namespace: namespace, name: name, version: version, digest: digest,
   producer: producer, run_id: run_id} AS stands_for
FROM %s.artifact_version"""
_RUNS = """
SELECT DISTINCT ON (run) run, {producer: producer, run_id: run_id} AS stands_for
FROM %s.run_fact"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Say how one table compares.

    Attributes:
        table: Its name.
        rows: Rows of the new store.
        only_old: Rows that only the old store has; the same row twice counts twice.
        only_new: Rows that only the new store has.
        examples: Some of them, as text; bytes left out.

    """

    table: str
    rows: int
    only_old: int
    only_new: int
    examples: tuple[str, ...]


def take_over(connection: duckdb.DuckDBPyConnection, settled: frozenset[str]) -> None:
    """Copy from ``old`` to ``new`` what no replay can make; both are attached to *connection*.

    Args:
        connection: With write access to ``new``.
        settled: Ids of forks that operators decided about.

    """
    connection.execute("BEGIN")
    for table in sorted(_tables(connection) - {*FROM_LOG, *MADE_ANEW}):
        connection.execute(f'DELETE FROM new."{table}"')  # noqa: S608 - our names
        connection.execute(f'INSERT INTO new."{table}" BY NAME FROM old."{table}"')
    # The keyring and the clock opened and closed these, at moments the log does not tell.
    told = "code IN (SELECT unnest($codes)) OR finding_id IN (SELECT unnest($settled::VARCHAR[]))"
    names = {
        "codes": [KEY_COMPROMISED, KEYRING_ROLLBACK, SILENT_PRODUCER],
        "settled": sorted(settled),
    }
    connection.execute(f"DELETE FROM new.finding WHERE {told}", names)  # noqa: S608 - our text
    connection.execute(
        f"INSERT INTO new.finding BY NAME FROM old.finding WHERE {told}",
        names,
    )
    connection.execute(
        "UPDATE new.reject SET retried_at = was.retried_at, outcome = was.outcome"
        " FROM old.reject AS was WHERE was.reject_id = reject.reject_id"
        " AND was.raw_sha256 = reject.raw_sha256 AND was.retried_at IS NOT NULL"
    )
    connection.execute("COMMIT")


def adopt_log(connection: duckdb.DuckDBPyConnection) -> None:
    """Give ``new`` the very log of ``old``, whose root was signed, and append what is new in it.

    The log also says what was found, when it was judged again and what was raised: no replay
    repeats that. Call it when everything is compared, inside no transaction.
    """
    what = "kind, value_sha256, stream, position, epoch_us(ingest_time), detail"
    found = connection.execute(
        f"SELECT {what} FROM new.log_entry WHERE kind IN {_OF_THE_LOG}"  # noqa: S608 - our text
        f" EXCEPT ALL SELECT {what} FROM old.log_entry ORDER BY ALL"
    ).fetchall()
    news = [
        Entry(
            kind=kind,
            value_sha256=sha256,
            stream=stream,
            position=position,
            ingest_time=ingest_time,
            detail=detail,
        )
        for kind, sha256, stream, position, ingest_time, detail in found
    ]
    connection.execute("USE new")
    connection.execute("BEGIN")
    connection.execute("DELETE FROM log_entry")
    connection.execute("INSERT INTO log_entry BY NAME FROM old.log_entry ORDER BY log_index")
    append_entries(connection, news)
    connection.execute("COMMIT")
    connection.execute("USE memory")


def compare(connection: duckdb.DuckDBPyConnection, table: str) -> Difference:
    """Compare one table of ``old`` and ``new``, both attached to *connection*."""
    old, new = _content(connection, "old", table), _content(connection, "new", table)
    ((rows,),) = connection.execute(f'SELECT count(*) FROM new."{table}"').fetchall()  # noqa: S608
    only_old, some = _only(connection, old, new)
    only_new, more = _only(connection, new, old)
    examples = (*(f"only old: {text}" for text in some), *(f"only new: {text}" for text in more))
    return Difference(table, rows, only_old, only_new, examples)


def _only(
    connection: duckdb.DuckDBPyConnection, one: str, other: str
) -> tuple[int, tuple[str, ...]]:
    """Count the rows that only *one* has, and show some."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE lacking AS ({one}) EXCEPT ALL ({other})")
    ((count,),) = connection.execute("SELECT count(*) FROM lacking").fetchall()
    if not count:
        return 0, ()
    shown = connection.execute(
        "SELECT COLUMNS(lambda c: c NOT IN ('raw', 'header', 'signature')) FROM lacking"
        " ORDER BY ALL LIMIT $examples",
        {"examples": _EXAMPLES},
    )
    names = [column[0] for column in shown.description or ()]
    return count, tuple(_text(names, row) for row in shown.fetchall())


def _text(names: list[str], row: tuple[Any, ...]) -> str:
    return ", ".join(
        f"{name}={value}"[:100] for name, value in zip(names, row, strict=True) if value is not None
    )


def _content(connection: duckdb.DuckDBPyConnection, store: str, table: str) -> str:
    """Write the query for what a table says, without the numbers of its store."""
    columns = {
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND table_name = ?",
            [store, table],
        ).fetchall()
    }
    left_out = sorted(columns & {*_NOT_COMPARED, "artifact_version_id", "run"})
    if table == "event":
        left_out.remove("leaf_sha256")
    names = f"rows.* EXCLUDE ({', '.join(left_out)})" if left_out else "rows.*"
    joins = ""
    if table == "artifact_version":
        pass  # its other columns are what the number stands for
    elif "artifact_version_id" in columns:
        names += ", version_of.stands_for AS artifact"
        joins += f" LEFT JOIN ({_VERSIONS % store}) AS version_of USING (artifact_version_id)"
    if "run" in columns and table != "run_fact":
        names += ", run_of.stands_for AS run"
        joins += f" LEFT JOIN ({_RUNS % store}) AS run_of USING (run)"
    kinds = f" WHERE kind IN {_OF_THE_LOG}" if table == "log_entry" else ""
    return f'SELECT {names} FROM {store}."{table}" AS rows{joins}{kinds}'  # noqa: S608 - our names


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables that both stores have."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name IN ('old', 'new')"
        " AND NOT temporary GROUP BY table_name HAVING count(*) = 2"
    ).fetchall()
    return {name for (name,) in rows}

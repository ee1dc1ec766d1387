"""Keeps one row of a fact whose event was sealed more than once.

A gateway or import that is killed between sealing and remembering seals the same events again,
with the same ids (ADR-0023). ``event`` and ``run_event`` say where each was sealed, so they keep
every row; in the other tables one fact is one row: the one that came first, whichever that was.
Two events that have one id and say different things are two facts, and both stay.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from lineseal.schemas.model import BODY_FIELDS

_TABLES = {body: body for body in BODY_FIELDS} | {"run": "run_io"}
_REPEATED = """
WITH fresh AS (
  SELECT DISTINCT event_id FROM event
  WHERE ingest_time = $ingest_time AND origin IN ('gateway', 'import')
)
SELECT body, event_id FROM event WHERE event_id IN (FROM fresh)
GROUP BY body, event_id HAVING count(*) > 1"""


def keep_once(connection: duckdb.DuckDBPyConnection, ingest_time: dt.datetime) -> None:
    """Remove what the commit of *ingest_time* says again, in the transaction that is open."""
    repeated: dict[str, list[str]] = {}
    for body, event_id in connection.execute(_REPEATED, {"ingest_time": ingest_time}).fetchall():
        repeated.setdefault(_TABLES[body], []).append(event_id)
    for table, ids in repeated.items():
        connection.execute(_removal(connection, table), {"ids": ids})


def _removal(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    described = connection.execute(f'DESCRIBE "{table}"').fetchall()
    said = ", ".join(f'"{column[0]}"' for column in described if column[0] != "ingest_time")
    return (
        f'DELETE FROM "{table}" WHERE rowid IN (SELECT line FROM ('  # noqa: S608 - our names
        f"SELECT rowid AS line, row_number() OVER (PARTITION BY {said} ORDER BY ingest_time, rowid)"
        f' AS nth FROM "{table}" WHERE event_id IN (SELECT unnest($ids))) WHERE nth > 1)'
    )

"""Tells whether the tables hold what the replayed batches say, and are the tables we make.

Compares by value, row for row, in both directions: nothing missing, nothing added. Both stores
are on one connection: ours unqualified, the real one as ``stored``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from lineseal.commandline.output import to_json
from lineseal.consumers.verify.problems import (
    ROW_MISSING,
    ROW_UNEXPECTED,
    SCHEMA_CHANGED,
    Problems,
)
from lineseal.schemas.model import BODY_FIELDS

GRAPH = ("artifact_version", "edge")
COPIES = (
    "run_fact",
    "version_writer",
    "run_input",
    "version_reader",
    "run_output",
    "version_name",
    "statement_about",
)
CHAIN_CODES = ("GAP", "FORK", "REPLAY", "OUTBOX_ROLLBACK", "COUNTER_JUMP", "CLOCK")
"""Codes of findings that follow from batches alone."""
_CATALOG = {
    "table": "SELECT table_name, sql FROM duckdb_tables() WHERE database_name = $name",
    "index": "SELECT index_name, sql FROM duckdb_indexes() WHERE database_name = $name",
    "view": """
        SELECT view_name, sql FROM duckdb_views() WHERE database_name = $name AND NOT internal""",
    "macro": """
        SELECT function_name, string_agg(macro_definition, ';' ORDER BY macro_definition)
        FROM duckdb_functions() WHERE database_name = $name AND NOT internal GROUP BY ALL""",
}
_SHOWN = 3
_TOLD = (
    "event_id", "header_sha256", "producer", "run_id", "epoch", "batch_seq", "kind", "namespace",
    "name", "version", "direction", "run", "artifact_version_id", "finding_id", "code",
)  # fmt: skip
"""Columns by which a row is told in a message."""


def fact_tables() -> list[str]:
    """Return the tables that hold what batches and events say."""
    bodies = sorted(set(BODY_FIELDS) - {"run"})
    return ["batch", "event", "run_event", "run_io", *bodies]


def compare_schema(connection: duckdb.DuckDBPyConnection, problems: Problems) -> None:
    """Compare tables, views and macros: a view that hides rows hides them from every query."""
    expected, found = (_catalog(connection, name) for name in ("memory", "stored"))
    for kind, name in sorted(expected.keys() | found.keys()):
        if expected.get((kind, name)) != found.get((kind, name)):
            what = "is missing" if (kind, name) not in found else "is not the one we make"
            if (kind, name) not in expected:
                what = "is none of ours"
            problems.add(SCHEMA_CHANGED, f"{kind} {name}", f"it {what}")


def compare_tables(connection: duckdb.DuckDBPyConnection, problems: Problems) -> Iterator[str]:
    """Compare all tables, yielding the name of each that is done."""
    for table in (*fact_tables(), *GRAPH):
        _compare(connection, table, "SELECT * FROM {}", problems)
        yield table
    for table in COPIES:
        _compare(connection, table, "SELECT * EXCLUDE (segment) FROM {}", problems)
        yield table
    # Its history also depends on rejects, which are no function of batches.
    epochs = (
        "SELECT * EXCLUDE (segment, rejected, known_from, known_to) FROM {} WHERE known_to IS NULL"
    )
    _compare(connection, "epoch_fact", epochs, problems)
    yield "epoch_fact"
    chain = ", ".join(f"'{code}'" for code in CHAIN_CODES)
    sql = (
        "SELECT * EXCLUDE (opened_at, closed_at) FROM {}"  # noqa: S608 - our text
        f" WHERE closed_at IS NULL AND code IN ({chain})"
    )
    _compare(connection, "finding", sql, problems)
    yield "finding"


def _compare(
    connection: duckdb.DuckDBPyConnection, table: str, sql: str, problems: Problems
) -> None:
    ours, theirs = sql.format(f"memory.{table}"), sql.format(f"stored.{table}")
    # Grouping finds what differs by value, doubles included, many times faster than EXCEPT ALL.
    difference = (
        "CREATE OR REPLACE TEMP TABLE difference AS"  # noqa: S608
        " SELECT * EXCLUDE (one_side), sum(one_side) AS surplus FROM ("
        f"SELECT *, 1 AS one_side FROM ({theirs}) UNION ALL SELECT *, -1 FROM ({ours}))"
        " GROUP BY ALL HAVING sum(one_side) <> 0"
    )
    try:
        connection.execute(difference)
        for code, what, sign in (
            (ROW_UNEXPECTED, "no signed event says", 1),
            (ROW_MISSING, "the signed events say, and it lacks", -1),
        ):
            ((count,),) = connection.execute(
                "SELECT coalesce(sum(abs(surplus)), 0)::BIGINT FROM difference"
                " WHERE sign(surplus) = $sign",
                {"sign": sign},
            ).fetchall()
            if count:
                told = _told(connection, sign)
                problems.add(code, f"table {table}", f"{what} {count} rows, such as {told}")
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        problems.add(SCHEMA_CHANGED, f"table {table}", f"it cannot be compared: {reason}")


def _told(connection: duckdb.DuckDBPyConnection, sign: int) -> str:
    result = connection.execute(
        f"SELECT * FROM difference WHERE sign(surplus) = $sign LIMIT {_SHOWN}",  # noqa: S608
        {"sign": sign},
    )
    names = [column[0] for column in result.description or ()]
    rows: list[dict[str, Any]] = []
    for row in result.fetchall():
        values = dict(zip(names, row, strict=True))
        rows.append({name: values[name] for name in _TOLD if values.get(name) is not None})
    return "; ".join(to_json(row, indent=None) for row in rows)


def _catalog(
    connection: duckdb.DuckDBPyConnection, database: str
) -> dict[tuple[str, str], str | None]:
    found: dict[tuple[str, str], str | None] = {}
    for kind, sql in _CATALOG.items():
        for name, text in connection.execute(sql, {"name": database}).fetchall():
            found[kind, name] = text
    return found

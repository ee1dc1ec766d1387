"""Keeps the sorted copies equal to the tables they are copied from, and sorted.

A commit's rows go to the tail of each copy; a tail of ``TAIL_ROWS`` becomes a sorted segment,
and ``FAN`` segments of one level become one of the next. So a key lives in few row groups, and
a row is rewritten about once per level however large the store grows. All of it happens in the
transaction of the commit. Source: DESIGN 8; ddl/0003.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import duckdb

from lineseal.consumers.script import run_script, scripts_in

TAIL_ROWS = 65_536
"""Rows of a tail before it becomes a segment: half a row group of DuckDB."""
FAN = 4
"""Segments of one level at most, and how much larger those of the next level are."""

_SORTED_BY = {
    "run_fact": "run DESC",
    "version_writer": "artifact_version_id, run",
    "version_reader": "artifact_version_id, run",
    "run_input": "run DESC, artifact_version_id",
    "run_output": "run DESC, artifact_version_id",
    "version_name": "name_hash, artifact_version_id",
    "statement_about": "about_hash, event_id",
    "epoch_fact": "epoch, producer",
}
COPIES = tuple(_SORTED_BY)
"""Names of the tables."""
_NEW_ROWS = {
    "run_fact": ("run_now", ""),
    "version_writer": ("edge_new", "output"),
    "version_reader": ("edge_new", "input"),
    "run_input": ("edge_new", "input"),
    "run_output": ("edge_new", "output"),
    "version_name": ("name_new", ""),
    "statement_about": ("statement_new", ""),
    "epoch_fact": ("epoch_now", ""),
}
"""Temporary table with the new rows of each copy, and of edges the direction."""
_TEMPORARY = "SELECT table_name FROM duckdb_tables() WHERE temporary"
_MOMENTS = "SELECT ingest_time FROM batch UNION SELECT ingest_time FROM reject ORDER BY ALL"


def update_copies(
    connection: duckdb.DuckDBPyConnection, ingest_time: dt.datetime, *, tail_rows: int = TAIL_ROWS
) -> None:
    """Bring the copies up to date with the commit of *ingest_time*, in its transaction."""
    _copy(connection, scripts_in("copies"), ingest_time, tail_rows)
    connection.execute("UPDATE copied_until SET ingest_time = ?", [ingest_time])
    if connection.execute("SELECT count(*) FROM copied_until").fetchall() == [(0,)]:
        _begin_generation(connection, ingest_time)


def rebuild_copies(connection: duckdb.DuckDBPyConnection, *, tail_rows: int = TAIL_ROWS) -> None:
    """Make all copies anew from the tables, in the transaction that is open, if any."""
    for table in ("sorted_segment", "copied_until", *_SORTED_BY):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
    *scripts, epochs = scripts_in("copies")
    _copy(connection, scripts, None, tail_rows)
    moments = connection.execute(_MOMENTS).fetchall()
    for (moment,) in moments:
        _copy(connection, [epochs], moment, tail_rows)
    _begin_generation(connection, max((moment for (moment,) in moments), default=None))


def _begin_generation(
    connection: duckdb.DuckDBPyConnection, ingest_time: dt.datetime | None
) -> None:
    """Say that run numbers may mean other runs than before."""
    connection.execute("INSERT INTO copied_until VALUES (uuid()::VARCHAR, ?)", [ingest_time])


def _copy(
    connection: duckdb.DuckDBPyConnection,
    scripts: Iterable[str],
    ingest_time: dt.datetime | None,
    tail_rows: int,
) -> None:
    """Run *scripts* and take up what they made."""
    for script in scripts:
        run_script(connection, script, ingest_time=ingest_time)
    made = {row[0] for row in connection.execute(_TEMPORARY).fetchall()}
    segments = _segments(connection)
    for table, (source, _) in _NEW_ROWS.items():
        if source in made:
            _append(connection, table, segments.get(table, {}), tail_rows)
    for source in {source for source, _ in _NEW_ROWS.values()} & made:
        connection.execute(f"DROP TABLE {source}")


def _append(
    connection: duckdb.DuckDBPyConnection, table: str, segments: dict[int, int], tail_rows: int
) -> None:
    """Add the new rows of one copy, and merge what has become too much."""
    source, direction = _NEW_ROWS[table]
    new_rows = f"SELECT * FROM {source}"  # noqa: S608 - our names
    if direction:
        new_rows = f"SELECT * EXCLUDE (direction) FROM {source} WHERE direction = '{direction}'"  # noqa: S608
    (added,) = connection.execute(f"SELECT count(*) FROM ({new_rows})").fetchall()[0]  # noqa: S608
    if not added:
        return
    segment = 0 if added < tail_rows else max(segments, default=0) + 1
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT *, $segment AS segment"  # noqa: S608 - our names
        f" FROM ({new_rows}) ORDER BY {_SORTED_BY[table]}",
        {"segment": segment},
    )
    segments[segment] = segments.get(segment, 0) + added
    while merged := _too_many(segments, tail_rows):
        target = max(segments) + 1
        _merge(connection, table, merged, target)
        segments[target] = sum(segments.pop(segment) for segment in merged)
    connection.execute("DELETE FROM sorted_segment WHERE copy = $copy", {"copy": table})
    connection.execute(
        "INSERT INTO sorted_segment SELECT $copy, unnest($segments), unnest($counts)",
        {"copy": table, "segments": list(segments), "counts": list(segments.values())},
    )


def _too_many(segments: dict[int, int], tail_rows: int) -> list[int]:
    """Choose what is due to be merged: a full tail, or the segments of a full level."""
    if segments.get(0, 0) >= tail_rows:
        return [0]
    levels: dict[int, list[int]] = {}
    for segment, rows in segments.items():
        if segment:
            level = 0
            while rows >= tail_rows * FAN ** (level + 1):
                level += 1
            levels.setdefault(level, []).append(segment)
    return next((found for _, found in sorted(levels.items()) if len(found) >= FAN), [])


def _merge(
    connection: duckdb.DuckDBPyConnection, table: str, segments: list[int], target: int
) -> None:
    names = {"segments": segments}
    connection.execute(
        f"INSERT INTO {table} SELECT * REPLACE ($target AS segment) FROM {table}"  # noqa: S608
        f" WHERE segment IN (SELECT unnest($segments)) ORDER BY {_SORTED_BY[table]}",
        {**names, "target": target},
    )
    connection.execute(
        f"DELETE FROM {table} WHERE segment IN (SELECT unnest($segments))",  # noqa: S608
        names,
    )


def _segments(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    rows = connection.execute("SELECT copy, segment, row_count FROM sorted_segment").fetchall()
    for copy, segment, count in rows:
        found.setdefault(copy, {})[segment] = count
    return found

"""The sorted copies say exactly what the tables say, after every commit and every merge.

What is promised: each copy holds the rows of its table, no more and no fewer, with the times
between which the graph had them; each segment is sorted; there are never more segments than the
merge allows; making the copies anew gives the same rows. Source: DESIGN 8; ddl/0003.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.graph_oracle import Said
from tests.property.test_graph_resolution import commit_time, histories, insert
from tests.unit.queries.graph_builder import empty_store

from lineseal.consumers.copies import FAN, rebuild_copies, update_copies
from lineseal.consumers.resolve import resolve

TAIL = 3
"""Rows of a tail here: so that a short history already merges."""

_EDGE_COLUMNS = (
    "producer, run_id, artifact_version_id, exact, edge.event_time, edge.known_from, edge.known_to"
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty store in memory; each example works in a transaction of its own."""
    with empty_store() as opened:
        yield opened


def copied_edges(connection: duckdb.DuckDBPyConnection, copy: str) -> list[tuple[object, ...]]:
    """Read a copy of the edges the way the table has them."""
    return connection.execute(
        "SELECT producer, run_id, artifact_version_id, reasons = 0, event_time, known_from,"  # noqa: S608
        f" known_to FROM {copy} JOIN (SELECT DISTINCT run, producer, run_id FROM run_fact)"
        " USING (run) ORDER BY ALL"
    ).fetchall()


def assert_equal(connection: duckdb.DuckDBPyConnection) -> None:
    """Compare every copy with its table."""
    for direction, copies in (
        ("output", ("version_writer", "run_output")),
        ("input", ("version_reader", "run_input")),
    ):
        expected = connection.execute(
            f"SELECT {_EDGE_COLUMNS} FROM edge WHERE direction = ? ORDER BY ALL",  # noqa: S608
            [direction],
        ).fetchall()
        for copy in copies:
            assert copied_edges(connection, copy) == expected
    runs = "producer, run_id, job_name, state, started_at, ended_at"
    view = connection.execute(f"SELECT {runs} FROM run ORDER BY ALL").fetchall()  # noqa: S608
    copied = connection.execute(
        f"SELECT {runs} FROM run_fact WHERE known_to IS NULL ORDER BY ALL"  # noqa: S608
    ).fetchall()
    assert copied == view
    names = connection.execute("SELECT artifact_version_id FROM version_name ORDER BY ALL")
    found = names.fetchall()
    ids = "SELECT DISTINCT artifact_version_id FROM artifact_version ORDER BY ALL"
    assert found == connection.execute(ids).fetchall()


def assert_sorted(connection: duckdb.DuckDBPyConnection) -> None:
    """Check the order within segments, their number, and that the books are right."""
    for copy, key in (("version_reader", "artifact_version_id"), ("run_input", "-run")):
        rows = connection.execute(
            f"SELECT segment, {key} FROM {copy} ORDER BY rowid"  # noqa: S608
        ).fetchall()
        segments: dict[int, list[int]] = {}
        for segment, value in rows:
            segments.setdefault(segment, []).append(value)
        booked = connection.execute(
            "SELECT segment, row_count FROM sorted_segment WHERE copy = ? ORDER BY ALL", [copy]
        ).fetchall()

        assert all(found == sorted(found) for number, found in segments.items() if number)
        assert len(segments.get(0, ())) < TAIL
        assert booked == sorted((number, len(found)) for number, found in segments.items())
        levels = len(bin(max(len(rows), 1))) // 2
        assert len(segments) <= 1 + (FAN - 1) * (levels + 1)


@settings(max_examples=40)
@given(history=histories(), cuts=st.sets(st.integers(0, 14), max_size=5))
def test_copies_equal_their_tables_after_every_commit(
    connection: duckdb.DuckDBPyConnection, history: list[Said], cuts: set[int]
) -> None:
    """In several commits, with late events that close edges, and made anew at the end."""
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(history)), len(history)]
    connection.execute("BEGIN")
    try:
        for number, (first, last) in enumerate(pairwise(bounds)):
            for event in history[first:last]:
                insert(connection, event, commit_time(number))
            resolve(connection, commit_time(number))
            update_copies(connection, commit_time(number), tail_rows=TAIL)

            assert_equal(connection)
            assert_sorted(connection)
        everything = "SELECT * EXCLUDE (run, segment) FROM run_fact ORDER BY ALL"
        before = connection.execute(everything).fetchall()
        rebuild_copies(connection, tail_rows=TAIL)

        assert_equal(connection)
        assert connection.execute(everything).fetchall() == before
    finally:
        connection.execute("ROLLBACK")

"""Producers, rejects and status say what arrived and what did not, gaps above all.

Source: DESIGN 8, 10 (raw bytes kept; a stable code).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from lineseal.queries import state
from lineseal.queries.database import open_store
from lineseal.schemas.errors import Ambiguous, NotFound

from .graph_builder import Graph, clock

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]


def test_a_whole_producer_has_no_finding(graph: Graph, opened: Opened) -> None:
    """Two epochs, the second alive."""
    graph.batch("p", "one", 0, created=1, final=True)
    graph.batch("p", "two", 0, created=8, ingest=8, after=("one", 0))
    answer = state.producers(opened(graph), clock=lambda: clock(9))

    assert [(row["epoch"], row["state"], row["alive"]) for row in answer.rows] == [
        ("one", "CLOSED", False),
        ("two", "UNCLOSED", True),
    ]
    assert answer.complete


def test_every_gap_stands_at_its_epoch(graph: Graph, opened: Opened) -> None:
    """Inside, at the end, and a whole epoch that never came."""
    graph.batch("p", "one", 1, created=1)
    graph.batch("p", "one", 3, created=2)
    graph.batch("p", "two", 0, created=3, final=True, after=("one", 6))
    graph.batch("q", "four", 0, created=4, final=True, after=("three", 2), lost=5)
    answer = state.producers(opened(graph), clock=lambda: clock(9))

    assert [(row["epoch"], row["state"], row["gaps"]) for row in answer.rows] == [
        ("one", "SUCCEEDED", ["0-0", "2-2", "4-6"]),
        ("two", "CLOSED", []),
        ("three", "NEVER_SEEN", ["0-2"]),
        ("four", "CLOSED", []),
    ]
    assert not answer.complete
    assert len(answer.warnings) == 5


def test_nothing_that_a_rebuild_changes_is_shown_of_a_producer(
    graph: Graph, opened: Opened
) -> None:
    """Neither positions in the log nor times of ingestion."""
    graph.batch("p", "one", 0, final=True)
    store = opened(graph)
    before = state.producers(store, clock=lambda: clock(9)).to_dict()
    store.execute(
        "UPDATE batch SET position = 77, stream = 'x', ingest_time = ingest_time + INTERVAL 1 DAY"
    )

    assert state.producers(store, clock=lambda: clock(9)).to_dict() == before


def test_rejects_are_listed_and_counted(graph: Graph, opened: Opened) -> None:
    """By code; a list that is cut says so."""
    for number in range(3):
        graph.reject("p", "one", raw=bytes([number]))
    store = opened(graph)

    assert len(state.rejects(store).rows) == 3
    assert state.rejects(store, code="BAD_SIGNATURE").rows == []
    cut = state.rejects(store, code="MALFORMED", limit=2)
    assert (len(cut.rows), cut.complete) == (2, False)
    assert state.rejects(store, limit=3).complete


def test_a_reject_is_shown_with_its_bytes(graph: Graph, opened: Opened) -> None:
    """By the start of its digest, as in git."""
    graph.reject("p", "one", raw=b"\x00\xff")
    answer, raw = state.reject(opened(graph), hashlib.sha256(b"\x00\xff").hexdigest()[:6])

    assert raw == b"\x00\xff"
    assert answer.rows[0]["raw"] == "00ff"
    assert answer.rows[0]["code"] == "MALFORMED"


def test_an_id_that_means_nothing_or_too_much_is_an_error(graph: Graph, opened: Opened) -> None:
    """Candidates are given for the second."""
    graph.reject("p", "one")
    store = opened(graph)
    store.execute(
        "INSERT INTO reject SELECT * REPLACE (raw_sha256 || 'f' AS raw_sha256) FROM reject"
    )

    for identity in ("0000", "abc", "xyz1", "%%%%"):
        with pytest.raises(NotFound):
            state.reject(store, identity)
    with pytest.raises(Ambiguous) as caught:
        state.reject(store, hashlib.sha256(b"bad").hexdigest()[:8])
    assert len(caught.value.candidates) == 2


def test_status_sums_up_the_store(graph: Graph, tmp_path: Path) -> None:
    """One row, and how far each stream was read."""
    graph.run("train-1", reads=["dataset:x/raw@1"], writes=["model:x/m@1"])
    graph.run("train-2", reads=["dataset:x/raw@1"], writes=["model:x/m@2"])
    graph.reject(None, None)
    path = graph.save(tmp_path / "lineseal.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("INSERT INTO position VALUES ('stream', 7)")
    with open_store(path) as connection:
        answer = state.status(connection, path)
    row = answer.rows[0]

    assert {key: row[key] for key in ("datasets", "models", "model_versions", "rejects")} == {
        "datasets": 1,
        "models": 1,
        "model_versions": 2,
        "rejects": 1,
    }
    assert row["size_bytes"] > 0
    assert answer.extra["positions"] == [{"stream": "stream", "next_position": 7}]


def test_an_empty_store_has_a_status(graph: Graph, tmp_path: Path) -> None:
    """Zeros and nulls, not an error."""
    path = graph.save(tmp_path / "lineseal.duckdb")
    with open_store(path) as connection:
        row = state.status(connection, path).rows[0]

    assert (row["events"], row["newest_event_time"]) == (0, None)

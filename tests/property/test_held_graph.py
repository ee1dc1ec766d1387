"""What a service holds in memory is the graph of the store, whatever commits did to it.

What is promised: after every commit each half hop gives what the SQL gives, each closure too, and
every answer is the same bytes with and without it, and when a walk loads the edges on its way.
Source: DESIGN 8, ADR-0025.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import nullcontext

import duckdb
import numpy as np
import pytest
from tests.property.random_histories import draw, fill
from tests.unit.queries.graph_builder import empty_store

from lineseal.commandline.output import to_json
from lineseal.consumers.copies import rebuild_copies
from lineseal.consumers.graph import GraphKeeper
from lineseal.queries import api, walk
from lineseal.queries.catalog import query
from lineseal.queries.graph import Direction, Traversal
from lineseal.queries.held import held_graph, offered
from lineseal.queries.relation import Edges
from lineseal.queries.times import Moment

VERSIONS = "SELECT DISTINCT artifact_version_id FROM artifact_version WHERE known_to IS NULL"
NOW = 1_800_000_000_000_000
"""Microseconds since 1970 UTC: every answer is asked at this moment."""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty store in memory; each example works in a transaction of its own."""
    with empty_store() as opened:
        yield opened


def keeper_of(connection: duckdb.DuckDBPyConnection, max_edges: int = 1000) -> GraphKeeper:
    """Hold what *connection* sees now."""
    keeper = GraphKeeper(lambda: nullcontext(connection), max_edges=max_edges)
    keeper.load(connection)
    return keeper


def numbers(connection: duckdb.DuckDBPyConnection, sql: str) -> list[int]:
    """Return the first column."""
    return [row[0] for row in connection.execute(sql).fetchall()]


def assert_same_edges(connection: duckdb.DuckDBPyConnection, keeper: GraphKeeper) -> None:
    """Ask every half hop for every key, and every closure."""
    held = keeper.graph_at(connection)
    assert held is not None
    versions = numbers(connection, VERSIONS)
    runs = numbers(connection, "SELECT DISTINCT run FROM run_fact")
    for name in ("writers", "readers", "run_inputs", "run_outputs"):
        column = "runs" if name.startswith("run_") else "ids"
        keys = runs if column == "runs" else versions
        stored = query(name).rows(connection, **{column: keys})
        assert tuples(held.of(name, np.array(keys, np.int64))) == sorted(stored)
        assert not len(held.of(name, np.array([10**6, -(10**6)], np.int64)))
    for direction in Direction:
        for version in versions:
            stored_walk = Traversal(connection, Moment()).visit([version], direction)
            with offered(keeper, connection):
                walked = Traversal(connection, Moment()).visit([version], direction)
            assert walked.ids.tolist() == stored_walk.ids.tolist()
            assert walked.depths.tolist() == stored_walk.depths.tolist()
            assert tuples(walked.inputs) == tuples(stored_walk.inputs)
            assert tuples(walked.outputs) == tuples(stored_walk.outputs)


def tuples(edges: Edges) -> list[tuple[int, int, int]]:
    """Return edges as a statement does, sorted."""
    columns = edges.runs.tolist(), edges.versions.tolist(), edges.bits.tolist()
    return sorted(zip(*columns, strict=True))


def answers(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Ask everything about the first version and the last."""
    references = sorted(
        node.reference
        for node in Traversal(connection, Moment()).nodes(numbers(connection, VERSIONS)).values()
    )
    asked = [
        answer
        for name in dict.fromkeys((*references[:1], *references[-1:]))
        for answer in (
            api.trace(connection, name, clock=lambda: NOW),
            api.trace(connection, name, suspect=references[0], clock=lambda: NOW),
            api.impact(connection, name, clock=lambda: NOW),
            api.impact(connection, name, all_models=True, clock=lambda: NOW),
        )
    ]
    return [to_json(answer.to_dict()) for answer in asked]


@pytest.mark.parametrize("seed", range(6))
def test_what_is_held_is_what_is_stored(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Loaded at some commit and brought up to date at each after it, with edges that close."""
    history = draw(seed)
    keepers: list[GraphKeeper] = []
    commits = itertools.count(1)

    def compare() -> None:
        if next(commits) > min(seed % 3, len(history.commits) - 1):
            if not keepers:
                keepers.append(keeper_of(connection))
            assert_same_edges(connection, keepers[0])

    connection.execute("BEGIN")
    try:
        fill(connection, history, twice=seed % 2 == 0, after_commit=compare)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walk, "LOADED_IN_A_HOP", 0)
            patch.setattr(walk, "LOADED_FOR_A_KEY", 0)
            stored = answers(connection)
            patch.setattr(walk, "LOADED_IN_A_HOP", 10**9)
            assert answers(connection) == stored
            with offered(keepers[0], connection):
                assert held_graph(connection, Moment()) is not None
                assert answers(connection) == stored
    finally:
        connection.execute("ROLLBACK")


def test_another_moment_or_connection_is_asked_of_the_store(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """What is held is what is known today."""
    with connection.cursor() as other:
        rebuild_copies(other)
        with offered(keeper_of(other), other):
            assert held_graph(other, Moment()) is not None
            assert held_graph(other, Moment.of(None, "2026-01-01")) is None
            assert held_graph(other, Moment.of("2026-01-01", None)) is None
            assert held_graph(connection, Moment()) is None
        assert held_graph(other, Moment()) is None


def test_what_is_loaded_in_the_background_serves_the_next_question(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """And copies made anew, in which run numbers may mean other runs, are loaded again."""
    with connection.cursor() as reader:
        rebuild_copies(reader)
        keeper = GraphKeeper(connection.cursor, max_edges=10)

        assert keeper.graph_at(reader) is None
        keeper.wait()
        assert keeper.graph_at(reader) is not None
        rebuild_copies(reader)
        assert keeper.graph_at(reader) is None
        keeper.wait()
        assert keeper.graph_at(reader) is not None


@pytest.mark.parametrize(("max_edges", "is_held"), [(0, False), (10, False), (11, True)])
def test_more_edges_than_allowed_are_not_held(max_edges: int, is_held: bool) -> None:
    """Then every question walks the store."""
    with empty_store() as store:
        store.execute(
            "INSERT INTO copied_until VALUES ('here', NULL);"
            "INSERT INTO sorted_segment VALUES ('version_writer', 0, 11)"
        )
        keeper = GraphKeeper(store.cursor, max_edges=max_edges)

        assert keeper.graph_at(store) is None
        keeper.wait()
        assert (keeper.graph_at(store) is not None) is is_held

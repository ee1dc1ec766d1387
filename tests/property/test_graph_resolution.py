"""The lineage graph is exactly what ADR-0004 makes of the set of facts.

What is promised: whatever facts arrive, in whatever order and in however many commits, nodes and
edges equal those of a second, naive reading of ADR-0004 (``graph_oracle``: plain Python,
no shared code, no SQL); what was known at any earlier commit can be read back; the id of a node
never changes. Source: DESIGN 8; ADR-0004.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.graph_oracle import Edge, Graph, Node, NodeKey, Said, Use, oracle

from lineseal.consumers.resolve import resolve

START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the store keeps UTC without zone
FIRST_COMMIT = dt.datetime(2026, 6, 1)  # noqa: DTZ001


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty store in memory; each example works in a transaction of its own."""
    with duckdb.connect(":memory:") as opened:
        for name in ("0001_store.sql", "0002_bodies.sql"):
            opened.execute(files("lineseal.schemas").joinpath("ddl", name).read_text("utf-8"))
        yield opened


def moment(seconds: int) -> dt.datetime:
    """Turn the seconds of an event into a time."""
    return START + dt.timedelta(seconds=seconds)


def commit_time(number: int) -> dt.datetime:
    """Give the ingest time of a commit."""
    return FIRST_COMMIT + dt.timedelta(seconds=number)


def insert(connection: duckdb.DuckDBPyConnection, event: Said, ingest: dt.datetime) -> None:
    """Insert the rows that one event becomes."""
    origin = "import" if event.imported else "emitter"
    at = moment(event.at)
    if event.run is None:
        for use in event.uses:
            artifact = {
                "kind": "dataset",
                "namespace": "lake",
                "name": use.name,
                "version": use.version,
                "digest": use.digest,
            }
            connection.execute(
                "INSERT INTO registration BY NAME SELECT ? AS event_id, ? AS event_time,"
                " ? AS ingest_time, ? AS origin, ? AS subject",
                [
                    event.event_id,
                    at,
                    ingest,
                    origin,
                    {"type": "artifact", "name": None, "artifact": artifact},
                ],
            )
        return
    connection.execute(
        "INSERT INTO run_event BY NAME SELECT ? AS event_id, ? AS producer, ? AS run_id,"
        " ? AS event_time, ? AS ingest_time, 'RUNNING' AS state, ? AS origin, 'e' AS epoch",
        [event.event_id, *event.run, at, ingest, origin],
    )
    for use in event.uses:
        connection.execute(
            "INSERT INTO run_io BY NAME SELECT ? AS event_id, ? AS producer, ? AS run_id,"
            " ? AS direction, 'dataset' AS kind, 'lake' AS namespace, ? AS name, ? AS version,"
            " ? AS digest, ? AS origin, ? AS event_time, ? AS ingest_time",
            [
                event.event_id,
                *event.run,
                use.direction,
                use.name,
                use.version,
                use.digest,
                origin,
                at,
                ingest,
            ],
        )


def seconds(value: dt.datetime) -> int:
    """Turn a stored time back into seconds."""
    return int((value - START).total_seconds())


_KNOWN = "known_from <= $at AND (known_to IS NULL OR known_to > $at)"
_NODES = """
  SELECT
    artifact_version_id, name, version, digest, producer, run_id, made, conflict, appeared_at,
    known_from, known_to
  FROM artifact_version
"""
_EDGES = """
  SELECT
    producer, run_id, direction, artifact_version_id, exact, reasons, event_id, event_time,
    known_from, known_to
  FROM edge
"""


def graph_known_at(connection: duckdb.DuckDBPyConnection, at: dt.datetime) -> Graph:
    """Read nodes and edges as the store knew them at a moment."""
    keys: dict[int, NodeKey] = {}
    nodes: set[Node] = set()
    for row in connection.execute(
        f"SELECT * FROM ({_NODES}) WHERE {_KNOWN}",  # noqa: S608
        {"at": at},
    ).fetchall():
        run = None if row[4] is None else (row[4], row[5])
        assert row[0] not in keys
        keys[row[0]] = (row[1], row[2], row[3], run)
        nodes.add((keys[row[0]], row[6], row[7], seconds(row[8])))
    rows = connection.execute(
        f"SELECT * FROM ({_EDGES}) WHERE {_KNOWN}",  # noqa: S608
        {"at": at},
    ).fetchall()
    edges: set[Edge] = {
        ((row[0], row[1]), row[2], keys[row[3]], row[4], tuple(row[5]), row[6], seconds(row[7]))
        for row in rows
    }
    assert len(edges) == len(rows)
    return frozenset(nodes), frozenset(edges)


NAMES = st.sampled_from(["a", "b"])
VERSIONS = st.sampled_from([None, "1", "2"])
DIGESTS = st.sampled_from([None, "x", "y"])
RUNS = st.sampled_from([("p", "r1"), ("p", "r2"), ("p", "r3"), ("q", "r1"), ("q", "r4")])
USES = st.builds(
    Use,
    direction=st.sampled_from(["input", "input", "output"]),
    name=NAMES,
    version=VERSIONS,
    digest=DIGESTS,
)
REGISTERED = st.builds(
    Use, direction=st.just("registration"), name=NAMES, version=VERSIONS, digest=DIGESTS
)
TIMES = st.integers(0, 12)
CAPS = st.sampled_from([1, 2, 64])
"""Nodes that a fact may mean: small, so that short histories have too many."""
RUN_EVENTS = st.tuples(RUNS, TIMES, st.booleans(), st.lists(USES, max_size=3))
REGISTRATIONS = st.tuples(st.none(), TIMES, st.booleans(), st.tuples(REGISTERED))


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    """Draw a history: events in the order they arrive, ids in another order."""
    drawn = draw(st.lists(st.one_of(RUN_EVENTS, RUN_EVENTS, REGISTRATIONS), max_size=14))
    numbers = draw(st.permutations(range(len(drawn))))
    return [
        Said(f"{number:04}", run, at, imported and number % 2 == 0, tuple(uses))
        for number, (run, at, imported, uses) in zip(numbers, drawn, strict=True)
    ]


@settings(max_examples=100)
@given(history=histories(), cuts=st.sets(st.integers(0, 14), max_size=3), cap=CAPS)
def test_the_graph_is_what_the_adr_makes_of_the_facts(
    connection: duckdb.DuckDBPyConnection, history: list[Said], cuts: set[int], cap: int
) -> None:
    """After every commit the graph is the oracle's, and stays readable as of that commit."""
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(history)), len(history)]
    connection.execute("BEGIN")
    try:
        expected: list[Graph] = []
        for number, (first, last) in enumerate(pairwise(bounds)):
            for event in history[first:last]:
                insert(connection, event, commit_time(number))
            resolve(connection, commit_time(number), max_candidates=cap)
            expected.append(oracle(history[:last], cap))

            assert expected[-1] == graph_known_at(connection, commit_time(number))
        for number, graph in enumerate(expected):
            assert graph == graph_known_at(connection, commit_time(number))
        assert_ids_belong_to_keys(connection)
    finally:
        connection.execute("ROLLBACK")


def assert_ids_belong_to_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Check that no node ever changed its id and no id its node."""
    ids, keys, pairs = connection.execute(
        "SELECT count(DISTINCT artifact_version_id), count(DISTINCT key),"
        " count(DISTINCT (artifact_version_id, key)) FROM (SELECT artifact_version_id,"
        " (kind, namespace, name, version, digest, producer, run_id) AS key"
        " FROM artifact_version)"
    ).fetchall()[0]

    assert ids == keys == pairs


@settings(max_examples=25)
@given(history=histories(), data=st.data())
def test_order_and_duplicates_of_facts_do_not_matter(
    connection: duckdb.DuckDBPyConnection, history: list[Said], data: st.DataObject
) -> None:
    """The same facts in another order, some of them twice, give the same graph."""
    shuffled = data.draw(st.permutations(history + history[:3]))
    connection.execute("BEGIN")
    try:
        for number, event in enumerate(shuffled):
            insert(connection, event, commit_time(number))
            resolve(connection, commit_time(number))

        assert oracle(history) == graph_known_at(connection, commit_time(len(shuffled)))
    finally:
        connection.execute("ROLLBACK")

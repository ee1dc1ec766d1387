"""A walk finds everything on the way, once, at its shortest distance, and says where it stopped.

Source: DESIGN 8 (hop by hop; nothing is cut short without saying so), ADR-0004 (time travel).
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.times import Moment

from .graph_builder import Graph, at

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def depths(lineage: Lineage) -> dict[str, int]:
    """Return the distance of each version by its REF."""
    return {lineage.nodes[node].reference: depth for node, depth in lineage.depth.items()}


@pytest.fixture
def chain(graph: Graph) -> Graph:
    """Make raw -> clean -> model, with a second input of the model."""
    graph.run("clean", reads=["dataset:x/raw@1"], writes=["dataset:x/clean@1"])
    graph.run(
        "train", reads=["dataset:x/clean@1", "dataset:x/labels@1"], writes=["model:x/m@1"], start=3
    )
    return graph


def test_upstream_goes_to_the_sources(chain: Graph, opened: Opened) -> None:
    """Every ancestor with its distance in hops."""
    lineage = Traversal(opened(chain), Moment()).walk([chain.node("model:x/m@1")], UP)

    assert depths(lineage) == {
        "model:x/m@1": 0,
        "dataset:x/clean@1": 1,
        "dataset:x/labels@1": 1,
        "dataset:x/raw@1": 2,
    }
    assert not lineage.cut_nodes


def test_downstream_goes_to_everything_made_from_it(chain: Graph, opened: Opened) -> None:
    """Every descendant with its distance; siblings are not on the way."""
    lineage = Traversal(opened(chain), Moment()).walk([chain.node("dataset:x/raw@1")], DOWN)

    assert depths(lineage) == {"dataset:x/raw@1": 0, "dataset:x/clean@1": 1, "model:x/m@1": 2}


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_a_cycle_is_walked_once(graph: Graph, opened: Opened, direction: Direction) -> None:
    """Feedback loops (a model labels its next training data) end."""
    graph.run("label", reads=["model:x/m@1"], writes=["dataset:x/labels@1"])
    graph.run("train", reads=["dataset:x/labels@1"], writes=["model:x/m@1"])
    graph.run("self", reads=["model:x/m@1"], writes=["model:x/m@1"])

    lineage = Traversal(opened(graph), Moment()).walk([graph.node("model:x/m@1")], direction)

    assert depths(lineage) == {"model:x/m@1": 0, "dataset:x/labels@1": 1}
    assert not lineage.cut_nodes


def test_a_version_reached_twice_keeps_its_shortest_distance(graph: Graph, opened: Opened) -> None:
    """Read directly and through a detour."""
    graph.run("detour", reads=["dataset:x/raw@1"], writes=["dataset:x/clean@1"])
    graph.run("train", reads=["dataset:x/raw@1", "dataset:x/clean@1"], writes=["model:x/m@1"])

    lineage = Traversal(opened(graph), Moment()).walk([graph.node("model:x/m@1")], UP)

    assert depths(lineage)["dataset:x/raw@1"] == 1
    assert len(lineage.readers[graph.node("dataset:x/raw@1")]) == 2


@pytest.mark.parametrize(
    ("depth", "visited", "cut"),
    [(0, 1, "model:x/m@1"), (1, 3, "dataset:x/clean@1"), (2, 4, None), (3, 4, None)],
)
def test_a_depth_limit_says_where_more_would_follow(
    chain: Graph, opened: Opened, depth: int, visited: int, cut: str | None
) -> None:
    """A walk that just fits is not called cut."""
    lineage = Traversal(opened(chain), Moment()).walk([chain.node("model:x/m@1")], UP, depth)

    assert len(lineage.depth) == visited
    assert {lineage.nodes[node].reference for node in lineage.cut_nodes} == ({cut} - {None})


def test_as_of_leaves_out_what_happened_later(chain: Graph, opened: Opened) -> None:
    """Event time, inclusive: the training run was at minute 3."""
    store = opened(chain)
    subject = chain.node("model:x/m@1")

    assert len(Traversal(store, Moment(as_of=at(3))).walk([subject], UP).depth) == 4
    assert len(Traversal(store, Moment(as_of=at(2.9))).walk([subject], UP).depth) == 1


def test_known_at_shows_the_graph_as_it_was(graph: Graph, opened: Opened) -> None:
    """An inferred edge that a late event replaced is still there in the past."""
    graph.run("train", reads=["dataset:x/raw@1"], writes=["model:x/m@1"], known=(0, 10))
    graph.run("train", reads=["dataset:x/raw@2"], writes=["model:x/m@1"], known=(10, None))
    store = opened(graph)

    def ancestors(moment: Moment) -> set[str]:
        return set(depths(Traversal(store, moment).walk([graph.node("model:x/m@1")], UP)))

    assert "dataset:x/raw@1" in ancestors(Moment(known_at=at(9)))
    assert "dataset:x/raw@2" not in ancestors(Moment(known_at=at(9)))
    assert "dataset:x/raw@1" not in ancestors(Moment(known_at=at(10)))
    assert "dataset:x/raw@2" in ancestors(Moment())


def test_runs_of_different_producers_never_mix(graph: Graph, opened: Opened) -> None:
    """A run is (producer, run id): a stranger who reuses an id adds nothing to it."""
    graph.run("run-1", reads=["dataset:x/raw@1"], writes=["model:x/m@1"])
    graph.run("run-1", reads=["dataset:x/poison@1"], writes=["model:x/other@1"], producer="eve")

    lineage = Traversal(opened(graph), Moment()).walk([graph.node("model:x/m@1")], UP)

    assert "dataset:x/poison@1" not in depths(lineage)

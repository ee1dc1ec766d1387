"""Over random graphs every verdict is the one that a plain reading of ADR-0005 gives.

The oracle here enumerates paths recursively over sets of facts; it shares no code with the
queries.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineseal.queries import api

from .graph_builder import Graph, clock, empty_store, verdicts

NODES = 7
MODELS = frozenset({4, 5, 6})


@pytest.fixture(scope="module")
def store() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open one empty store for all examples."""
    connection = empty_store()
    yield connection
    connection.close()


@dataclass(frozen=True)
class World:
    """A random graph: runs as (reads, writes), which edges are weak, what is registered."""

    runs: tuple[tuple[frozenset[int], frozenset[int]], ...]
    weak: frozenset[tuple[int, str, int]]
    registered: frozenset[int]
    opaque: frozenset[int]
    unclosed: frozenset[int]
    gaps: frozenset[int]


def name(node: int) -> str:
    """Name a node: the last three are models."""
    return f"{'model' if node in MODELS else 'dataset'}:x/n{node}@1"


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a graph; cycles, self-loops and several writers are all allowed."""
    nodes = st.frozensets(st.integers(0, NODES - 1), max_size=3)
    runs = tuple(draw(st.lists(st.tuples(nodes, nodes), max_size=6)))
    edges = [
        (number, side, node)
        for number, run in enumerate(runs)
        for side, found in zip(("input", "output"), run, strict=True)
        for node in sorted(found)
    ]
    numbers = st.frozensets(st.integers(0, 5), max_size=1)
    return World(
        runs,
        frozenset(draw(st.lists(st.sampled_from(edges), max_size=2))) if edges else frozenset(),
        draw(st.frozensets(st.integers(0, NODES - 1), min_size=4)),
        draw(st.frozensets(st.integers(0, NODES - 1), max_size=1)),
        draw(numbers),
        draw(numbers),
    )


def build(world: World) -> Graph:
    """Write the world as rows; each run has a producer and an epoch of its own."""
    graph = Graph()
    for node in range(NODES):
        graph.node(name(node))
    for number, (reads, writes) in enumerate(world.runs):
        producer = f"p{number}"
        if number in world.unclosed:
            graph.batch(producer, "epoch-1", 0, created=2)
        if number in world.gaps:
            graph.batch(producer, "epoch-0", 0, created=0)
            graph.batch(producer, "epoch-0", 2, created=9, final=True)
        for side, found in (("input", reads), ("output", writes)):
            for node in sorted(found):
                weak = (number, side, node) in world.weak
                graph.run(
                    f"run-{number}",
                    reads=[name(node)] if side == "input" else [],
                    writes=[name(node)] if side == "output" else [],
                    producer=producer,
                    weak={name(node): ["version_inferred"]} if weak else None,
                )
    for node in world.registered:
        graph.register(name(node))
    for node in world.opaque:
        graph.register(name(node), opaque=True)
    return graph


def certain(world: World, number: int, side: str, node: int) -> bool:
    """Tell whether an edge is certain."""
    return (number, side, node) not in world.weak and number not in world.gaps


def reaches(world: World, start: int, goal: int, *, only_certain: bool) -> bool:
    """Tell whether a path leads from *start* to *goal*."""
    seen: set[int] = set()

    def visit(node: int) -> None:
        if node in seen:
            return
        seen.add(node)
        for number, (reads, writes) in enumerate(world.runs):
            if node in reads and not (only_certain and not certain(world, number, "input", node)):
                for made in writes:
                    if not only_certain or certain(world, number, "output", made):
                        visit(made)

    visit(start)
    return goal in seen


def proven(world: World, model: int) -> bool:
    """Tell whether the ancestry of *model* is proven, point by point of ADR-0005."""
    if world.gaps & set(range(len(world.runs))):
        return False
    ancestry = {node for node in range(NODES) if reaches(world, node, model, only_certain=False)}
    writing = {number for number, (_, writes) in enumerate(world.runs) if writes & ancestry}
    for number in writing:
        reads, writes = world.runs[number]
        edges = [("input", node) for node in reads]
        edges += [("output", node) for node in writes & ancestry]
        if not all(certain(world, number, side, node) for side, node in edges):
            return False
        if number in world.unclosed:
            return False
    for node in ancestry:
        leaf = not any(node in writes and reads for reads, writes in world.runs)
        if leaf and (node in MODELS or node not in world.registered | world.opaque):
            return False
    return not ancestry & world.opaque


def judge(world: World, suspect: int, model: int) -> str:
    """Give the verdict of the ADR."""
    if reaches(world, suspect, model, only_certain=True):
        return "affected"
    if not reaches(world, suspect, model, only_certain=False) and proven(world, model):
        return "clean"
    return "possible"


@contextmanager
def filled(store: duckdb.DuckDBPyConnection, world: World) -> Generator[None]:
    """Fill the store with a world, and empty it afterwards: making one anew is slow."""
    store.begin()
    try:
        build(world).fill(store)
        yield
    finally:
        store.rollback()


@settings(max_examples=50)
@given(world=worlds(), suspect=st.integers(0, NODES - 1), traced=st.sampled_from(sorted(MODELS)))
def test_every_verdict_is_the_oracles(
    store: duckdb.DuckDBPyConnection, world: World, suspect: int, traced: int
) -> None:
    """``impact --all-models`` for every model, and ``trace --suspect`` for one of them."""
    expected = {name(model): judge(world, suspect, model) for model in MODELS}
    with filled(store, world):
        answer = api.impact(store, name(suspect), all_models=True, clock=lambda: clock(60))
        trace = api.trace(store, name(traced), suspect=name(suspect), clock=lambda: clock(60))

    assert verdicts(answer) == expected
    assert trace.verdict == expected[name(traced)]


@settings(max_examples=25)
@given(world=worlds(), suspect=st.integers(0, NODES - 1))
def test_impact_reaches_what_the_oracle_reaches(
    store: duckdb.DuckDBPyConnection, world: World, suspect: int
) -> None:
    """Everything downstream, each with the verdict that its paths give."""
    expected = {
        name(node): "affected" if reaches(world, suspect, node, only_certain=True) else "possible"
        for node in range(NODES)
        if reaches(world, suspect, node, only_certain=False)
    }
    with filled(store, world):
        answer = api.impact(store, name(suspect), clock=lambda: clock(60))

    assert verdicts(answer) == expected

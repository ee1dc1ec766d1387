"""What does the lineage graph look like around these versions? Walks it and keeps what it saw.

The walk goes hop by hop, one question per half hop with arrays of keys, so that a small answer
costs a few small queries however big the store is. Runs and artifact versions are both vertices:
a run reads versions (inputs) and writes versions (outputs). Everything visited is visited once,
so cycles are harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.node import Node
from lineseal.queries.times import Moment

RunKey = tuple[str, str]
"""A run is (producer, run_id): nobody else can add to it."""


class Direction(Enum):
    """Which way to walk."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class Edge(NamedTuple):
    """Say that a run read or wrote an artifact version; ``reasons`` is empty when exact."""

    run: RunKey
    node: int
    exact: bool
    reasons: tuple[str, ...]


@dataclass
class Lineage:
    """Hold the part of the graph that one walk visited.

    ``inputs``/``outputs`` are edges by run, ``readers``/``writers`` the same edges by artifact
    version. ``depth`` counts hops (a run and its two edges are one) from the nearest start.
    ``cut_nodes`` and ``cut_runs`` are where a depth limit stopped the walk: there is more.
    Nothing is added once the walk has ended.
    """

    nodes: dict[int, Node] = field(default_factory=dict[int, Node])
    depth: dict[int, int] = field(default_factory=dict[int, int])
    inputs: dict[RunKey, list[Edge]] = field(default_factory=dict[RunKey, list[Edge]])
    outputs: dict[RunKey, list[Edge]] = field(default_factory=dict[RunKey, list[Edge]])
    readers: dict[int, list[Edge]] = field(default_factory=dict[int, list[Edge]])
    writers: dict[int, list[Edge]] = field(default_factory=dict[int, list[Edge]])
    cut_nodes: set[int] = field(default_factory=set[int])
    cut_runs: set[RunKey] = field(default_factory=set[RunKey])

    @cached_property
    def rank(self) -> dict[int, int]:
        """Return the place of each version in the order of names: cheaper to compare."""
        ordered = sorted(self.nodes, key=lambda node: self.nodes[node].key)
        return {node: place for place, node in enumerate(ordered)}

    @property
    def runs(self) -> set[RunKey]:
        """Return every run on an edge of this part."""
        return self.inputs.keys() | self.outputs.keys()

    def add_input(self, edge: Edge) -> None:
        """Add one edge from an artifact version to the run that read it."""
        self.inputs.setdefault(edge.run, []).append(edge)
        self.readers.setdefault(edge.node, []).append(edge)

    def add_output(self, edge: Edge) -> None:
        """Add one edge from a run to an artifact version it wrote."""
        self.outputs.setdefault(edge.run, []).append(edge)
        self.writers.setdefault(edge.node, []).append(edge)


class Traversal:
    """Walks the graph of one store as it was at one moment."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, moment: Moment) -> None:
        """Prepare walks; nothing is read yet."""
        self._connection = connection
        self._moment = moment

    def walk(
        self, starts: Iterable[int], direction: Direction, max_depth: int | None = None
    ) -> Lineage:
        """Visit everything up- or downstream of *starts*, at most *max_depth* hops away."""
        upstream = direction is Direction.UPSTREAM
        lineage = Lineage()
        add_near = lineage.add_output if upstream else lineage.add_input
        add_far = lineage.add_input if upstream else lineage.add_output
        frontier = sorted(set(starts))
        lineage.depth = dict.fromkeys(frontier, 0)
        runs: set[RunKey] = set()
        hops = 0
        while frontier:
            near = self._edges_of_nodes("writers" if upstream else "readers", frontier)
            for edge in near:
                add_near(edge)
            new_runs = {edge.run for edge in near} - runs
            runs |= new_runs
            stop = max_depth is not None and hops >= max_depth
            hops += 1
            frontier = []
            for edge in self._edges_of_runs("run_inputs" if upstream else "run_outputs", new_runs):
                if edge.node not in lineage.depth:
                    if stop:
                        lineage.cut_runs.add(edge.run)
                        continue
                    lineage.depth[edge.node] = hops
                    frontier.append(edge.node)
                add_far(edge)
            lineage.cut_nodes.update(edge.node for edge in near if edge.run in lineage.cut_runs)
        lineage.nodes = self.nodes(lineage.depth)
        return lineage

    def nodes(self, ids: Iterable[int]) -> dict[int, Node]:
        """Return the artifact versions of *ids* that were known at the moment."""
        rows = query("nodes").rows(self._connection, ids=list(ids), known_at=self._moment.known_at)
        return {row[0]: Node(*row) for row in rows}

    def writers(self, ids: Iterable[int]) -> list[Edge]:
        """Return the edges from the runs that wrote *ids*."""
        return self._edges_of_nodes("writers", list(ids))

    def _edges_of_nodes(self, name: str, ids: list[int]) -> list[Edge]:
        rows = query(name).rows(self._connection, ids=ids, **self._moment.parameters)
        return [_edge(*row) for row in rows]

    def _edges_of_runs(self, name: str, runs: set[RunKey]) -> list[Edge]:
        if not runs:
            return []
        keys = sorted(runs)
        rows = query(name).rows(
            self._connection,
            producers=[producer for producer, _ in keys],
            run_ids=[run_id for _, run_id in keys],
            **self._moment.parameters,
        )
        return [_edge(*row) for row in rows]


def _edge(producer: str, run_id: str, node: int, exact: bool, reasons: list[str]) -> Edge:
    return Edge((producer, run_id), node, exact, tuple(reasons))

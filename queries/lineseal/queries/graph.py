"""What does the lineage graph look like around these versions? Walks it and keeps what it saw.

The walk goes hop by hop, one question per half hop with arrays of keys, over copies of the edges
that are sorted by those keys (in memory where a service holds them), so that a small answer costs
a few small queries however big the store is. Once it has grown wide, one recursive statement finds
the rest. Runs and artifact versions are both vertices: a run reads versions (inputs) and writes
versions (outputs). Everything visited is visited once, so cycles are harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.held import held_graph
from lineseal.queries.node import Node
from lineseal.queries.times import Moment

RunKey = int
"""A run's number in this store (ddl/0003): below 0, where versions are above."""

WIDE = 512
"""Versions of one hop from which on the rest of the walk is one recursive statement."""

_REASONS = (
    "version_inferred",
    "overlapping_writes",
    "digest_ambiguous",
    "version_conflict",
    "unsigned_import",
    "too_many_candidates",
)
"""In the order of the bits above the first one, which says that the edge is not exact."""


class Direction(Enum):
    """Which way to walk."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


HALF_HOPS = {
    Direction.UPSTREAM: ("writers", "run_inputs"),
    Direction.DOWNSTREAM: ("readers", "run_outputs"),
}
"""From versions to runs, and from those to versions, by the names of the SQL files."""


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
        ordered = sorted((node.key, node_id) for node_id, node in self.nodes.items())
        return {node_id: place for place, (_, node_id) in enumerate(ordered)}

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
        self._held = held_graph(connection, moment)

    def walk(
        self, starts: Iterable[int], direction: Direction, max_depth: int | None = None
    ) -> Lineage:
        """Visit everything up- or downstream of *starts*, at most *max_depth* hops away."""
        walk = _Walk(self, direction, sorted(set(starts)), max_depth)
        while walk.frontier:
            if max_depth is None and len(walk.frontier) >= WIDE:
                walk.finish()
            else:
                walk.step()
        walk.lineage.nodes = self.nodes(walk.lineage.depth)
        return walk.lineage

    def reached(self, starts: Iterable[int], direction: Direction) -> list[int]:
        """Return *starts* and everything up- or downstream of them, in one statement."""
        if self._held is not None:
            return self._held.reached(list(starts), *HALF_HOPS[direction])
        name = "ancestors" if direction is Direction.UPSTREAM else "descendants"
        rows = query(name).rows(self._connection, ids=list(starts), **self._moment.parameters)
        return [row[0] for row in rows]

    def nodes(self, ids: Iterable[int]) -> dict[int, Node]:
        """Return the artifact versions of *ids* that were known at the moment."""
        rows = query("nodes").rows(self._connection, ids=list(ids), known_at=self._moment.known_at)
        return {row[0]: Node(*row) for row in rows}

    def writers(self, ids: Iterable[int]) -> list[Edge]:
        """Return the edges from the runs that wrote *ids*."""
        return self.edges("writers", ids=list(ids))

    def edges(self, name: str, **keys: list[int]) -> list[Edge]:
        """Ask one half hop: ``writers`` or ``readers`` of ids, inputs or outputs of runs."""
        if self._held is not None:
            ((_, wanted),) = keys.items()
            rows = self._held.edges(name, wanted)
        else:
            rows = query(name).rows(self._connection, **keys, **self._moment.parameters)
        return [Edge(run, node, *_MEANING[bits]) for run, node, bits in rows]


class _Walk:
    """One walk under way: what it saw, and where it goes on."""

    def __init__(
        self,
        traversal: Traversal,
        direction: Direction,
        starts: list[int],
        max_depth: int | None,
    ) -> None:
        """Begin at *starts*."""
        self.frontier = starts
        self.lineage = Lineage()
        self.lineage.depth = dict.fromkeys(starts, 0)
        self._traversal = traversal
        self._direction = direction
        self._max_depth = max_depth
        self._hops = 0
        self._runs: set[RunKey] = set()
        upstream = direction is Direction.UPSTREAM
        self._near, self._far = HALF_HOPS[direction]
        self._add_near = self.lineage.add_output if upstream else self.lineage.add_input
        self._add_far = self.lineage.add_input if upstream else self.lineage.add_output

    def step(self) -> None:
        """Go one hop further."""
        near = self._enter_runs(self.frontier)
        new_runs = {edge.run for edge in near} - self._runs
        self._runs |= new_runs
        stop = self._max_depth is not None and self._hops >= self._max_depth
        self._hops += 1
        self.frontier = []
        lineage = self.lineage
        for edge in self._leave_runs(new_runs):
            if edge.node not in lineage.depth:
                if stop:
                    lineage.cut_runs.add(edge.run)
                    continue
                lineage.depth[edge.node] = self._hops
                self.frontier.append(edge.node)
            self._add_far(edge)
        lineage.cut_nodes.update(edge.node for edge in near if edge.run in lineage.cut_runs)

    def finish(self) -> None:
        """Fetch all that is left at once, then find how far away each version is."""
        found = self._traversal.reached(self.frontier, self._direction)
        known = self.lineage.depth.keys() - set(self.frontier)
        near = self._enter_runs([node for node in found if node not in known])
        new_runs = {edge.run for edge in near} - self._runs
        runs_of: dict[int, list[RunKey]] = {}
        for edge in near:
            runs_of.setdefault(edge.node, []).append(edge.run)
        nodes_of: dict[RunKey, list[int]] = {}
        for edge in self._leave_runs(new_runs):
            self._add_far(edge)
            nodes_of.setdefault(edge.run, []).append(edge.node)
        depth = self.lineage.depth
        frontier = self.frontier
        while frontier:
            self._hops += 1
            following: list[int] = []
            for node in frontier:
                for run in runs_of.get(node, ()):
                    # Taken out, so that a run is left only once.
                    for reached in nodes_of.pop(run, ()):
                        if reached not in depth:
                            depth[reached] = self._hops
                            following.append(reached)
            frontier = following
        self.frontier = []

    def _enter_runs(self, nodes: list[int]) -> list[Edge]:
        edges = self._traversal.edges(self._near, ids=nodes)
        for edge in edges:
            self._add_near(edge)
        return edges

    def _leave_runs(self, runs: Iterable[RunKey]) -> list[Edge]:
        keys = list(runs)
        return self._traversal.edges(self._far, runs=keys) if keys else []


def _meaning(bits: int) -> tuple[bool, tuple[str, ...]]:
    reasons = [reason for place, reason in enumerate(_REASONS, start=1) if bits & 1 << place]
    return bits == 0, tuple(sorted(reasons))


_MEANING = tuple(_meaning(bits) for bits in range(2 << len(_REASONS)))

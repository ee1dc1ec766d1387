"""What does the lineage graph look like around these versions? Walks it and keeps what it saw.

The walk goes hop by hop, one question per half hop with arrays of keys, over copies of the edges
that are sorted by those keys (in memory where a service holds them), so that a small answer costs
a few small queries however big the store is. Once it has cost as much as loading the edges would,
they are loaded and the rest is walked in memory (ADR-0025). Runs and artifact versions are both
vertices: a run reads versions (inputs) and writes versions (outputs). Everything visited is visited
once, so cycles are harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import duckdb
import numpy as np

from lineseal.queries.catalog import query
from lineseal.queries.node import Node
from lineseal.queries.relation import Edges
from lineseal.queries.times import Moment
from lineseal.queries.walk import Direction, HalfHops, Walked, walk

__all__ = [
    "Direction",
    "Edge",
    "Lineage",
    "RunKey",
    "Traversal",
    "lineage_of",
    "objects",
]

RunKey = int
"""A run's number in this store (ddl/0003): below 0, where versions are above."""

_REASONS = (
    "version_inferred",
    "overlapping_writes",
    "digest_ambiguous",
    "version_conflict",
    "unsigned_import",
    "too_many_candidates",
)
"""In the order of the bits above the first one, which says that the edge is not exact."""


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
        self._half_hops = HalfHops(connection, moment)

    def walk(
        self, starts: Iterable[int], direction: Direction, max_depth: int | None = None
    ) -> Lineage:
        """Visit everything up- or downstream of *starts*, at most *max_depth* hops away."""
        return self.lineage(self.visit(starts, direction, max_depth))

    def visit(
        self, starts: Iterable[int], direction: Direction, max_depth: int | None = None
    ) -> Walked:
        """Do the same, and keep what was seen in columns."""
        return walk(self._half_hops, starts, direction, max_depth)

    def lineage(self, walked: Walked) -> Lineage:
        """Return what was visited as objects, with the names of the versions."""
        found = lineage_of(walked)
        found.nodes = self.nodes(found.depth)
        return found

    def nodes(self, ids: Iterable[int]) -> dict[int, Node]:
        """Return the artifact versions of *ids* that were known at the moment."""
        rows = query("nodes").rows(self._connection, ids=list(ids), known_at=self._moment.known_at)
        return {row[0]: Node(*row) for row in rows}

    def writers(self, ids: Iterable[int]) -> list[Edge]:
        """Return the edges from the runs that wrote *ids*."""
        return self.edges("writers", ids)

    def edges(self, name: str, keys: Iterable[int]) -> list[Edge]:
        """Ask one half hop: ``writers`` or ``readers`` of ids, inputs or outputs of runs."""
        return objects(self._half_hops.of(name, np.fromiter(keys, np.int64)))


def lineage_of(walked: Walked) -> Lineage:
    """Return what was visited as objects; the names of the versions are not among it."""
    found = Lineage(
        depth=dict(zip(walked.ids.tolist(), walked.depths.tolist(), strict=True)),
        cut_nodes=set(walked.cut_nodes.tolist()),
        cut_runs=set(walked.cut_runs.tolist()),
    )
    for edge in objects(walked.inputs):
        found.add_input(edge)
    for edge in objects(walked.outputs):
        found.add_output(edge)
    return found


def objects(edges: Edges) -> list[Edge]:
    """Return *edges* as objects."""
    columns = zip(edges.runs.tolist(), edges.versions.tolist(), edges.bits.tolist(), strict=True)
    return [Edge(run, node, *MEANING[bits]) for run, node, bits in columns]


def _meaning(bits: int) -> tuple[bool, tuple[str, ...]]:
    reasons = [reason for place, reason in enumerate(_REASONS, start=1) if bits & 1 << place]
    return bits == 0, tuple(sorted(reasons))


MEANING = tuple(_meaning(bits) for bits in range(2 << len(_REASONS)))
"""What each set of bits says: whether the edge is exact, and why not."""

"""What was one artifact version made from, and what is not proven? Finds out in one walk.

One walk upstream with everything known around it (ADR-0005). What a suspect adds is for ``trace``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from lineseal.queries import completeness
from lineseal.queries.completeness import Defect, Vertex
from lineseal.queries.crowds import crowds
from lineseal.queries.evidence import Evidence, load_evidence
from lineseal.queries.graph import Direction, Lineage, Traversal, lineage_of
from lineseal.queries.node import Node
from lineseal.queries.times import Moment
from lineseal.queries.walk import KeptHops, Walked, walk


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Hold the walk upstream from *subject*, the facts around it and its defects."""

    subject: Node
    lineage: Lineage
    evidence: Evidence
    defects: frozenset[Defect]

    @property
    def nodes(self) -> list[Node]:
        """Return every version: the subject first, then by distance and name."""
        lineage = self.lineage
        ordered = sorted(lineage.depth, key=lambda node: (lineage.depth[node], lineage.rank[node]))
        return [lineage.nodes[node] for node in ordered]

    @property
    def warnings(self) -> list[str]:
        """Return why the ancestry is not proven, the gravest first; empty when it is."""
        return completeness.sentences(self.defects)


def load_ancestry(
    connection: duckdb.DuckDBPyConnection,
    subject: Node,
    moment: Moment,
    *,
    max_depth: int | None,
    now: dt.datetime,
) -> Ancestry:
    """Walk upstream from *subject*; epochs count as alive at *now* (naive UTC)."""
    walked = Traversal(connection, moment).visit([subject.id], Direction.UPSTREAM, max_depth)
    return ancestry_of(connection, subject, walked, moment, max_depth=max_depth, now=now)


def load_ancestries(
    connection: duckdb.DuckDBPyConnection,
    subjects: Sequence[Node],
    moment: Moment,
    now: dt.datetime,
) -> Iterator[Ancestry]:
    """Walk upstream from all of *subjects* at once, and give the ancestry of one after the other.

    What is known, and what is a defect, at a run or a version does not depend on who asks: each
    ancestry holds a part of what was loaded for all of them.
    """
    starts = [subject.id for subject in subjects]
    walked = Traversal(connection, moment).visit(starts, Direction.UPSTREAM)
    lineage = Traversal(connection, moment).lineage(walked)
    evidence = load_evidence(connection, lineage, moment, now)
    found = _defects(connection, lineage, evidence, moment, max_depth=None)
    kept = KeptHops(Direction.UPSTREAM, walked.near, walked.far)
    for subject in subjects:
        own = lineage_of(walk(kept, [subject.id], Direction.UPSTREAM, None))
        own.nodes = {node: lineage.nodes[node] for node in own.depth}
        vertices = (*own.nodes, *own.runs)
        defects = frozenset[Defect]().union(*(found.get(vertex, ()) for vertex in vertices))
        yield Ancestry(subject, own, evidence.of(own.runs), defects)


def ancestry_of(
    connection: duckdb.DuckDBPyConnection,
    subject: Node,
    walked: Walked,
    moment: Moment,
    *,
    max_depth: int | None,
    now: dt.datetime,
) -> Ancestry:
    """Load what is known about a walk upstream from *subject*."""
    lineage = Traversal(connection, moment).lineage(walked)
    evidence = load_evidence(connection, lineage, moment, now)
    found = _defects(connection, lineage, evidence, moment, max_depth=max_depth)
    return Ancestry(subject, lineage, evidence, frozenset().union(*found.values()))


def _defects(
    connection: duckdb.DuckDBPyConnection,
    lineage: Lineage,
    evidence: Evidence,
    moment: Moment,
    *,
    max_depth: int | None,
) -> dict[Vertex, set[Defect]]:
    return completeness.merge(
        completeness.weak_links(lineage, evidence),
        completeness.unclosed_chains(lineage, evidence),
        completeness.open_leaves(lineage, evidence),
        completeness.cuts(lineage, max_depth),
        crowds(connection, lineage, Direction.UPSTREAM, moment),
    )

"""What was one artifact version made from, and what is not proven? Finds out in one walk.

One walk upstream with everything known around it (ADR-0005). What a suspect adds is for ``trace``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

from lineseal.queries import completeness
from lineseal.queries.completeness import Defect
from lineseal.queries.crowds import crowds
from lineseal.queries.evidence import Evidence, load_evidence
from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.node import Node
from lineseal.queries.times import Moment


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Hold the walk upstream from *subject*, the facts around it and its defects."""

    subject: Node
    lineage: Lineage
    evidence: Evidence
    defects: frozenset[Defect]

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
    lineage = Traversal(connection, moment).walk([subject.id], Direction.UPSTREAM, max_depth)
    evidence = load_evidence(connection, lineage, moment, now)
    found = completeness.merge(
        completeness.weak_links(lineage, evidence),
        completeness.unclosed_chains(lineage, evidence),
        completeness.open_leaves(lineage, evidence),
        completeness.cuts(lineage, max_depth),
        crowds(connection, lineage, Direction.UPSTREAM, moment),
    )
    return Ancestry(subject, lineage, evidence, frozenset().union(*found.values()))

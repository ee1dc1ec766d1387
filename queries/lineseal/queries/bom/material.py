"""What goes into a bill of materials? A model's whole ancestry with all that was said about it.

Everything a format needs is loaded here once, so that the formats are pure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from lineseal.queries.ancestry import Ancestry, load_ancestry
from lineseal.queries.graph import RunKey
from lineseal.queries.lookup import find_one
from lineseal.queries.node import Node
from lineseal.queries.statements import (
    RunDetails,
    Statement,
    load_run_details,
    load_statements,
)
from lineseal.queries.times import Moment, TimeInput, format_time, from_microseconds
from lineseal.schemas.ids import now_us


@dataclass(frozen=True, slots=True)
class Material:
    """Hold an ancestry, what was said about each version in it, and how each run ran."""

    ancestry: Ancestry
    statements: dict[int, list[Statement]]
    details: dict[RunKey, RunDetails]
    moment: Moment

    @property
    def nodes(self) -> list[Node]:
        """Return every version: the subject first, then by distance and name."""
        lineage = self.ancestry.lineage
        ordered = sorted(lineage.depth, key=lambda node: (lineage.depth[node], lineage.rank[node]))
        return [lineage.nodes[node] for node in ordered]

    @property
    def runs(self) -> list[RunKey]:
        """Return every run that wrote one of the versions, sorted."""
        return sorted(self.ancestry.lineage.outputs)

    def about(self, node: Node, *bodies: str) -> list[Statement]:
        """Return what *bodies* say about a version, the oldest first."""
        return [said for said in self.statements.get(node.id, ()) if said.body in bodies]

    @property
    def newest(self) -> dt.datetime:
        """Return the newest event time of anything in here: a time that does not change."""
        times = [said.event_time for about in self.statements.values() for said in about]
        times += [run.ended_at for run in self.ancestry.evidence.runs.values()]
        return max(times, default=self.ancestry.subject.appeared_at)


def load_material(
    connection: duckdb.DuckDBPyConnection,
    reference: str,
    *,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
    clock: Callable[[], int] = now_us,
) -> Material:
    """Load everything about the ancestry of one version.

    Raises:
        InvalidReference, NotFound, Ambiguous: The REF means nothing, or more than one version.
        QueryError: A time cannot be read.

    """
    moment = Moment.of(as_of, known_at)
    subject = find_one(connection, reference, moment)
    now = moment.known_at or from_microseconds(clock())
    ancestry = load_ancestry(connection, subject, moment, max_depth=None, now=now)
    lineage = ancestry.lineage
    return Material(
        ancestry,
        load_statements(connection, lineage.nodes, moment),
        load_run_details(connection, lineage.outputs, moment),
        moment,
    )


def seconds(moment: dt.datetime) -> str:
    """Print naive UTC as RFC 3339 with ``Z``, as every format here takes it."""
    return format_time(moment) or ""

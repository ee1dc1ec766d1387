"""What is known about a version and everything it was made from? One ancestry, all said about it.

Loaded once, so that what is made of it (a bill of materials, a comparison) is pure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import duckdb

from lineseal.queries.ancestry import Ancestry, load_ancestry
from lineseal.queries.graph import RunKey
from lineseal.queries.lookup import find_one
from lineseal.queries.node import Node
from lineseal.queries.row_counts import Use, load_row_counts, profile_of
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
    """Hold an ancestry, what was said about each version in it, and how each run ran.

    ``row_counts`` are the rows that runs said they read and wrote, by use.
    """

    ancestry: Ancestry
    statements: dict[int, list[Statement]]
    details: dict[RunKey, RunDetails]
    row_counts: dict[Use, int]
    moment: Moment

    @property
    def nodes(self) -> list[Node]:
        """Return every version: the subject first, then by distance and name."""
        return self.ancestry.nodes

    @property
    def runs(self) -> list[RunKey]:
        """Return every run that wrote one of the versions, sorted by name."""
        return self.in_order(self.ancestry.lineage.outputs)

    def in_order(self, runs: Iterable[RunKey]) -> list[RunKey]:
        """Return *runs* sorted by producer and run id."""
        facts = self.ancestry.evidence.runs
        return sorted(runs, key=lambda run: facts[run].name)

    def about(self, node: Node, *bodies: str) -> list[Statement]:
        """Return what *bodies* say about a version, the oldest first."""
        return [said for said in self.statements.get(node.id, ()) if said.body in bodies]

    def rows_of(self, node: Node) -> int | None:
        """Return how many rows a version has: as written, as profiled, or as read."""
        by_direction = {
            direction: max(
                (
                    count
                    for (_, said, version), count in self.row_counts.items()
                    if version == node.id and said == direction
                ),
                default=None,
            )
            for direction in ("output", "input")
        }
        profile = profile_of(self.statements.get(node.id, ()))
        for count in (by_direction["output"], (profile or {}).get("rows"), by_direction["input"]):
            if count is not None:
                return int(str(count))
        return None

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
    return material_of(connection, subject, moment, moment.known_at or from_microseconds(clock()))


def material_of(
    connection: duckdb.DuckDBPyConnection, subject: Node, moment: Moment, now: dt.datetime
) -> Material:
    """Load the same for a version that is already found; epochs count as alive at *now*."""
    ancestry = load_ancestry(connection, subject, moment, max_depth=None, now=now)
    lineage = ancestry.lineage
    written = [ancestry.evidence.runs[run] for run in lineage.outputs]
    return Material(
        ancestry,
        load_statements(connection, lineage.nodes, moment),
        load_run_details(connection, written, moment),
        load_row_counts(connection, lineage, ancestry.evidence.runs, moment),
        moment,
    )


def seconds(moment: dt.datetime) -> str:
    """Print naive UTC as RFC 3339 with ``Z``, as every format here takes it."""
    return format_time(moment) or ""

"""What changed between two versions? Puts the comparisons of two ancestries together."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.diff.artifacts import artifact_changes
from lineseal.queries.diff.changes import Row, change_row
from lineseal.queries.diff.decisions import decision_changes
from lineseal.queries.diff.runs import run_changes
from lineseal.queries.material import Material, load_material
from lineseal.queries.times import TimeInput, format_time
from lineseal.schemas.ids import now_us


def diff(
    connection: duckdb.DuckDBPyConnection,
    before: str,
    after: str,
    *,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
    clock: Callable[[], int] = now_us,
) -> Answer:
    """Tell what differs between how two versions were made.

    Args:
        connection: The open store.
        before: REF of one version.
        after: REF of the other.
        as_of: Event time to look at.
        known_at: Ingest time to look at; also the moment at which epochs count as alive.
        clock: Microseconds since 1970 UTC.

    Raises:
        InvalidReference, NotFound, Ambiguous: A REF means nothing, or more than one version.
        QueryError: A time cannot be read.

    """
    old, new = (
        load_material(connection, reference, as_of=as_of, known_at=known_at, clock=clock)
        for reference in (before, after)
    )
    warnings = [
        *(f"first: {text}" for text in old.ancestry.warnings),
        *(f"second: {text}" for text in new.ancestry.warnings),
    ]
    return Answer(
        query="diff",
        subject=[old.ancestry.subject.reference, new.ancestry.subject.reference],
        as_of=format_time(old.moment.as_of),
        known_at=format_time(old.moment.known_at),
        complete=not warnings,
        warnings=warnings,
        rows=[
            *_subjects(old, new),
            *artifact_changes(old, new),
            *run_changes(old, new),
            *decision_changes(old, new),
        ],
    )


def _subjects(old: Material, new: Material) -> list[Row]:
    was, is_ = old.ancestry.subject, new.ancestry.subject
    if was.digest == is_.digest:
        return []
    return [change_row("content", "this model", was.digest, is_.digest, node=is_)]

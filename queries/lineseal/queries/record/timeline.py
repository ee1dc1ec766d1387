"""What happened to this version? Tells it in order; and what people did to it.

``timeline`` shows runs and statements, ``who`` only what names a person. Both look at the version,
or with its ancestry at everything it was made from too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.evidence import Evidence, load_evidence
from lineseal.queries.graph import Direction, Lineage, Traversal
from lineseal.queries.lookup import find_one
from lineseal.queries.makers import load_makers
from lineseal.queries.node import Node
from lineseal.queries.record.describe import describe
from lineseal.queries.statements import Statement, load_statements
from lineseal.queries.times import Moment, TimeInput, format_time, from_microseconds
from lineseal.schemas.ids import now_us

Row = dict[str, Any]


def timeline(
    connection: duckdb.DuckDBPyConnection,
    reference: str,
    *,
    ancestry: bool = False,
    people: bool = False,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
    clock: Callable[[], int] = now_us,
) -> Answer:
    """Tell what happened to one version, the oldest first.

    Args:
        connection: The open store.
        reference: REF of one version.
        ancestry: Tell the same of everything it was made from.
        people: Leave out what names no person.
        as_of: Event time to look at.
        known_at: Ingest time to look at.
        clock: Microseconds since 1970 UTC.

    Raises:
        InvalidReference, NotFound, Ambiguous: The REF means nothing, or more than one version.
        QueryError: A time cannot be read.

    """
    moment = Moment.of(as_of, known_at)
    subject = find_one(connection, reference, moment)
    depth = None if ancestry else 0
    lineage = Traversal(connection, moment).walk([subject.id], Direction.UPSTREAM, depth)
    now = moment.known_at or from_microseconds(clock())
    statements = load_statements(connection, lineage.nodes, moment)
    evidence = load_evidence(connection, lineage, moment, now)
    makers = load_makers(connection, lineage.writers, evidence.runs, moment)
    rows = [
        _row(lineage.nodes[node], said, makers.get(node, set()))
        for node, about in statements.items()
        for said in about
    ]
    if people:
        rows = [row for row in rows if row["person"]]
    else:
        rows += _runs(lineage, evidence, moment)
    rows.sort(key=_when)
    return Answer(
        query="who" if people else "timeline",
        subject=subject.reference,
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        rows=rows,
    )


def _row(node: Node, said: Statement, makers: set[str]) -> Row:
    told = describe(said, makers)
    return {
        "event_time": format_time(said.event_time),
        "reference": node.reference,
        "body": said.body,
        "did": told.did,
        "by": told.by,
        "person": told.person,
        "own_key": told.own_key,
        "reason": told.reason,
        "stands_out": list(told.stands_out),
        **node.to_row(),
        "run_id": node.run_id,
        "names": said.names,
        "event_id": said.event_id,
    }


def _when(row: Row) -> tuple[str, ...]:
    same = (row["event_time"], row["reference"], row["did"], row["event_id"] or "")
    return *same, row["by"], row["run_id"] or ""


def _runs(lineage: Lineage, evidence: Evidence, moment: Moment) -> list[Row]:
    rows: list[Row] = []
    for node, edges in lineage.writers.items():
        for run in {edge.run for edge in edges}:
            facts = evidence.runs[run]
            version = lineage.nodes[node]
            ended = moment.as_of is None or facts.ended_at <= moment.as_of
            written = f"written by {facts.job or 'a run'}, {facts.state}"
            rows.append(
                {
                    "event_time": format_time(facts.ended_at if ended else facts.started_at),
                    "reference": version.reference,
                    "body": "run",
                    "did": written if ended else f"being {written.rpartition(', ')[0]}",
                    "by": facts.producer,
                    "person": False,
                    "own_key": False,
                    "reason": None,
                    "stands_out": [],
                    **version.to_row(),
                    "run_id": facts.run_id,
                    "names": None,
                    "event_id": None,
                }
            )
    return rows

"""Which version of a model is the newest good one? Says too what to make again without the bad."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries import completeness
from lineseal.queries.catalog import query
from lineseal.queries.containment.holding import load_standing
from lineseal.queries.doubts import Holes
from lineseal.queries.evidence import load_evidence
from lineseal.queries.graph import Direction, Traversal
from lineseal.queries.lookup import find_all_versions, find_one
from lineseal.queries.node import Node, by_number
from lineseal.queries.promotions import environments
from lineseal.queries.rollback.candidates import version_faults
from lineseal.queries.rollback.retrain import retrain_order
from lineseal.queries.rollback.said import load_said
from lineseal.queries.times import Moment, TimeInput, format_time, from_microseconds, parse_time
from lineseal.queries.upstream import appeared
from lineseal.schemas.errors import QueryError
from lineseal.schemas.ids import now_us

GOOD, FAILS = "good", "fails"


def last_good(
    connection: duckdb.DuckDBPyConnection,
    reference: str,
    *,
    without: Sequence[str] = (),
    before: TimeInput = None,
    as_of: TimeInput = None,
    known_at: TimeInput = None,
    clock: Callable[[], int] = now_us,
) -> Answer:
    """Tell the newest good version of a name, why each newer one fails, and what to make again.

    Args:
        connection: The open store.
        reference: REF; its version only has to exist, all versions of the name are looked at.
        without: REFs of what must not be in it.
        before: Event time, excluded: everything in the ancestry must have appeared before.
        as_of: Event time to look at.
        known_at: Ingest time to look at; also the moment at which epochs count as alive.
        clock: Microseconds since 1970 UTC.

    Raises:
        InvalidReference, NotFound, Ambiguous: A REF means nothing, or more than one version.
        QueryError: A time cannot be read, or versions of several kinds are meant.

    """
    moment = Moment.of(as_of, known_at)
    now = moment.known_at or from_microseconds(clock())
    suspects = [find_one(connection, text, moment) for text in without]
    versions = _newest_first(find_all_versions(connection, reference, moment))
    if len({(node.kind, node.namespace, node.name) for node in versions}) > 1:
        raise QueryError(f"{reference} is the name of several artifacts; name namespace and name")
    rows, good = _until_good(connection, versions, suspects, parse_time(before), moment, now)
    order, warnings = _retrain(connection, suspects, moment, now)
    if good is None:
        warnings.insert(0, f"no version of {reference} is good: {len(rows)} were looked at")
    return Answer(
        query="last-good",
        subject=reference,
        as_of=format_time(moment.as_of),
        known_at=format_time(moment.known_at),
        verdict=GOOD if good else None,
        complete=not warnings,
        warnings=warnings,
        rows=rows,
        extra={
            "last_good": good.reference if good else None,
            "without": sorted(suspect.reference for suspect in suspects),
            "before": format_time(parse_time(before)),
            "retrain": order,
        },
    )


def _newest_first(versions: list[Node]) -> list[Node]:
    return sorted(
        versions, key=lambda node: (node.appeared_at, by_number(node.reference)), reverse=True
    )


def _until_good(
    connection: duckdb.DuckDBPyConnection,
    versions: Sequence[Node],
    suspects: Sequence[Node],
    before: dt.datetime | None,
    moment: Moment,
    now: dt.datetime,
) -> tuple[list[dict[str, Any]], Node | None]:
    """Judge version by version until one is good; older ones are not looked at."""
    promoted = environments(connection, [node.id for node in versions], moment)
    orders = load_standing(connection, moment)
    rows: list[dict[str, Any]] = []
    holes = Holes(connection, appeared(suspects), moment, now) if suspects else None
    for said in load_said(connection, versions, moment, now):
        node = said.ancestry.subject
        faults = version_faults(said, suspects, holes, orders, before=before, now=now)
        rows.append(
            node.to_row()
            | {
                "run_id": node.run_id,
                "depth": 0,
                "verdict": FAILS if faults else GOOD,
                "via": None,
                "environment": promoted.get(node.id),
                "appeared_at": format_time(node.appeared_at),
                "reference": node.reference,
                "reasons": faults,
            }
        )
        if not faults:
            return rows, node
    return rows, None


def _retrain(
    connection: duckdb.DuckDBPyConnection,
    suspects: Sequence[Node],
    moment: Moment,
    now: dt.datetime,
) -> tuple[list[dict[str, Any]], list[str]]:
    if not suspects:
        return [], []
    starts = [suspect.id for suspect in suspects]
    down = Traversal(connection, moment).walk(starts, Direction.DOWNSTREAM)
    evidence = load_evidence(connection, down, moment, now)
    rows = query("newest_versions").rows(connection, ids=list(down.nodes), **moment.parameters)
    weak = completeness.merge(
        completeness.weak_links(down, evidence), completeness.unclosed_chains(down, evidence)
    )
    warnings = completeness.sentences(defect for found in weak.values() for defect in found)
    return retrain_order(down, evidence, starts, {node for (node,) in rows}), warnings

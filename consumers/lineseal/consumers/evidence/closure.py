"""Finds the events that an answer rests on: runs, statements and decisions of a whole ancestry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.consumers.entries import microseconds, read_rows
from lineseal.queries.api import trace
from lineseal.queries.material import load_material
from lineseal.schemas.errors import InvalidReference, NotFound, QueryError

EventKey = tuple[str, str]
"""Producer and event id."""
BatchKey = tuple[int, str, str, int]
"""Ingest time in microseconds, producer, epoch, batch number."""
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_EVENTS = """
SELECT event.* FROM event
JOIN (SELECT unnest($producers::VARCHAR[]) AS producer, unnest($ids::VARCHAR[]) AS event_id)
  USING (producer, event_id)
ORDER BY ingest_time, producer, epoch, batch_seq, event_index"""
_OF_RUNS = """
SELECT producer, event_id FROM run_event
JOIN (SELECT unnest($producers::VARCHAR[]) AS producer, unnest($ids::VARCHAR[]) AS run_id)
  USING (producer, run_id)"""
_CHANGES = "SELECT * FROM alert_change WHERE alert_id = $id ORDER BY change_index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Hold what a case is about.

    Attributes:
        subject: The REF or the alert's id.
        query: The question, with its parameters.
        answer: Its answer, as ``--json`` prints it.
        events: The events it rests on, as rows of ``event``.
        alerts: The alert's changes, as rows of ``alert_change``.

    """

    subject: str
    query: dict[str, Any]
    answer: dict[str, Any]
    events: list[dict[str, Any]]
    alerts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def batches(self) -> set[BatchKey]:
        """Return the batches that carry the events."""
        return {
            (microseconds(e["ingest_time"]), e["producer"], e["epoch"], e["batch_seq"])
            for e in self.events
        }


def close_over(connection: duckdb.DuckDBPyConnection, subject: str) -> Closure:
    """Find everything that is known about *subject*: a REF, or the id of an alert.

    Raises:
        InvalidReference, NotFound, Ambiguous: It is neither, or more than one version.

    """
    alerts = read_rows(connection, _CHANGES, {"id": subject})
    if alerts:
        return _of_alert(connection, subject, alerts)
    return _of_version(connection, subject)


def _of_version(connection: duckdb.DuckDBPyConnection, reference: str) -> Closure:
    answer, keys = _ancestry(connection, reference)
    return Closure(
        subject=reference,
        query={"query": "trace", "reference": reference},
        answer=answer.to_dict(),
        events=_events(connection, keys),
    )


def _of_alert(
    connection: duckdb.DuckDBPyConnection, alert_id: str, alerts: list[dict[str, Any]]
) -> Closure:
    newest = alerts[-1]
    wanted = {event_id for change in alerts for event_id in change["evidence"]}
    keys = set(
        connection.execute(
            "SELECT producer, event_id FROM event WHERE event_id IN (SELECT unnest($ids))",
            {"ids": sorted(wanted)},
        ).fetchall()
    )
    rows = [{name: newest[name] for name in ("alert_id", "rule_id", "title", "subject", "reasons")}]
    lineage: dict[str, Any] | None = None
    try:
        answer, more = _ancestry(connection, newest["subject"])
        lineage, keys = answer.to_dict(), keys | more
    except (InvalidReference, NotFound, QueryError):
        pass  # the alert is about a person, a producer, a source
    return Closure(
        subject=alert_id,
        query={"query": "alert", "alert_id": alert_id, "trace_of": newest["subject"]},
        answer={"query": "alert", "subject": alert_id, "rows": rows, "lineage": lineage},
        events=_events(connection, keys),
        alerts=alerts,
    )


def _ancestry(
    connection: duckdb.DuckDBPyConnection, reference: str
) -> tuple[Answer, set[EventKey]]:
    """Trace a version, and name all events about it and what it was made from."""

    # Not the clock: the same store has to give the same bytes tomorrow.
    def clock() -> int:
        rows = connection.execute("SELECT max(ingest_time) FROM log_entry").fetchall()
        return microseconds(rows[0][0] or _EPOCH)

    answer = trace(connection, reference, clock=clock)
    material = load_material(connection, reference, clock=clock)
    runs = list(material.ancestry.evidence.runs.values())
    keys: set[EventKey] = set(
        connection.execute(
            _OF_RUNS,
            {"producers": [run.producer for run in runs], "ids": [run.run_id for run in runs]},
        ).fetchall()
    )
    for said in material.statements.values():
        keys |= {(str(statement.fields["producer"]), statement.event_id) for statement in said}
    return answer, keys


def _events(
    connection: duckdb.DuckDBPyConnection, keys: Iterable[EventKey]
) -> list[dict[str, Any]]:
    ordered = sorted(keys)
    return read_rows(
        connection,
        _EVENTS,
        {"producers": [p for p, _ in ordered], "ids": [event_id for _, event_id in ordered]},
    )

"""Reads and writes the tables of alerts: current states, decisions, changes, watermarks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from lineseal.consumers.detect.findings import Finding
from lineseal.consumers.detect.lifecycle import ACKNOWLEDGED, CLOSED, OPEN, Change, Decision, State
from lineseal.consumers.detect.parts import PartChanges, write_parts
from lineseal.consumers.entries import alert_entries, read_rows
from lineseal.consumers.merkle_log import append_entries
from lineseal.consumers.write import TableWriter
from lineseal.queries.rules import Rule

_DECIDED = {"open": OPEN, "acknowledged": ACKNOWLEDGED, "closed": CLOSED}


def watermark(connection: duckdb.DuckDBPyConnection) -> dt.datetime | None:
    """Return the ingest time of the newest commit, or None for an empty store."""
    row = connection.execute("SELECT max(ingest_time) FROM log_entry").fetchone()
    return None if row is None else row[0]


def states_of(connection: duckdb.DuckDBPyConnection, alert_ids: Iterable[str]) -> list[State]:
    """Return the newest states of alerts by their ids."""
    ids = list(alert_ids)
    if not ids:
        return []
    result = connection.execute(
        "SELECT * FROM alert WHERE alert_id IN (SELECT unnest($ids))", {"ids": ids}
    )
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def decided_since(connection: duckdb.DuckDBPyConnection, since: dt.datetime | None) -> list[str]:
    """Return the ids of alerts that overrides after *since* are about."""
    rows = connection.execute(
        "SELECT DISTINCT target.name FROM override WHERE target.type = 'alert'"
        " AND target.name IS NOT NULL AND ($since IS NULL OR ingest_time > $since)",
        {"since": since},
    ).fetchall()
    return [name for (name,) in rows]


def decisions(
    connection: duckdb.DuckDBPyConnection, alert_ids: Iterable[str]
) -> dict[str, Decision]:
    """Return the newest decision about each alert; only one under a person's own key counts."""
    rows = connection.execute(
        "SELECT target.name, lower(after), event_time, made_by, event_id, reason FROM override"
        " WHERE target.type = 'alert' AND actor_verified"
        " AND target.name IN (SELECT unnest($ids)) AND lower(after) IN (SELECT unnest($known))"
        " ORDER BY event_time, event_id",
        {"ids": list(alert_ids), "known": list(_DECIDED)},
    ).fetchall()
    return {
        name: Decision(
            alert_id=name,
            status=_DECIDED[after],
            decided_at=at,
            decided_by=by,
            event_id=event_id,
            reason=reason,
        )
        for name, after, at, by, event_id, reason in rows
    }


def next_change_index(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the index the next change of an alert gets."""
    row = connection.execute(
        "SELECT coalesce(max(change_index) + 1, 0) FROM alert_change"
    ).fetchone()
    return 0 if row is None else int(row[0])


def batches_of(
    connection: duckdb.DuckDBPyConnection, event_ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return where each event stands: its batch and that batch's position in the log."""
    rows = connection.execute(
        "SELECT event.event_id, producer, epoch, batch_seq, stream, position"
        " FROM event JOIN batch USING (producer, epoch, batch_seq)"
        " WHERE event.event_id IN (SELECT unnest($ids))",
        {"ids": list(event_ids)},
    ).fetchall()
    names = ("producer", "epoch", "batch_seq", "stream", "position")
    return {event_id: dict(zip(names, rest, strict=True)) for event_id, *rest in rows}


def to_row(
    change: Change, rule: Rule | None, *, index: int, shared: Mapping[str, Any]
) -> dict[str, Any]:
    """Turn a change into a row of ``alert_change``; *shared* holds what all of a commit have."""
    row: dict[str, Any] = dict(change.before or {})
    for name in ("created_at", "created_ingest_time"):
        row.pop(name, None)
    if rule is not None:
        row.update(_rule_columns(rule))
    if change.finding is not None:
        row.update(_finding_columns(change.finding))
    decision = change.decision
    row.update(
        change_index=index,
        alert_id=change.alert_id,
        revision=change.revision,
        activity=change.activity,
        status=change.status,
        decided_by=None if decision is None else decision.decided_by,
        decision_event_id=None if decision is None else decision.event_id,
        decision_reason=change.reason,
        **shared,
    )
    return row


def _rule_columns(rule: Rule) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        "rule_uuid": rule.uuid,
        "rule_version": rule.version,
        "rule_status": rule.status,
        "title": rule.title,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "techniques": list(rule.atlas),
        "owasp": list(rule.owasp),
        "runbook": rule.runbook,
    }


def _finding_columns(finding: Finding) -> dict[str, Any]:
    return {
        "scope": finding.scope,
        "subject": finding.subject,
        "window_start": finding.window_start,
        "window_end": finding.window_end,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "count": finding.count,
        "reasons": list(finding.reasons),
        "evidence": list(finding.evidence),
    }


def write(
    connection: duckdb.DuckDBPyConnection,
    rows: list[dict[str, Any]],
    progress: list[dict[str, Any]],
    moved: PartChanges,
) -> None:
    """Write changes, parts and how far rules looked, in the transaction that is open."""
    writer = TableWriter(connection)
    write_parts(connection, writer, moved)
    writer.insert("alert_change", rows)
    append_entries(connection, alert_entries(_as_stored(connection, rows)))
    connection.execute(
        "DELETE FROM detection WHERE rule_id IN (SELECT unnest($ids))",
        {"ids": [row["rule_id"] for row in progress]},
    )
    writer.insert("detection", progress)


def _as_stored(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Read *rows* back: what the log vouches for is what the table gives, not what it was given."""
    return read_rows(
        connection,
        "SELECT * FROM alert_change WHERE change_index IN (SELECT unnest($indexes))"
        " ORDER BY change_index",
        {"indexes": [row["change_index"] for row in rows]},
    )


def write_tick(connection: duckdb.DuckDBPyConnection, tick: Mapping[str, Any]) -> None:
    """Write the moment absence was judged at, in the transaction that is open."""
    TableWriter(connection).insert("tick", [dict(tick)])
